#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "file_model.h"
#include "mapped_file.h"
#include "operation.h"
#include "sluice/unique_fd.h"

namespace sluice::fsx {

/// The file is not what was written, or a call failed that must not.
class Difference : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What an exerciser does wrong, to see whether it would notice.
enum class Lie : std::uint8_t {
  none,
  lose,  ///< One write is not made.
  flip,  ///< One byte is changed behind the mount.
};

struct Setup {
  /// One file, through the mount and behind it. It exists.
  std::string path;
  std::string source;
  Limits limits;
  std::uint64_t seed = 1;
  Lie lie = Lie::none;
  /// The operation from which on it is told.
  std::uint64_t lie_from = 0;
};

/// Does random operations to a file and to its model, and compares them after each: through the mount by one
/// of several ways of reading, and behind it whenever nothing but a mapping's pages could be missing there.
class Exerciser {
 public:
  explicit Exerciser(Setup setup);

  /// One operation. Throws Difference.
  void step();
  [[nodiscard]] std::uint64_t steps() const { return steps_; }
  /// The last operations, one a line.
  [[nodiscard]] std::string last_operations() const;

 private:
  struct Handle {
    UniqueFd fd;
    Flavour flavour = Flavour::plain;
    [[nodiscard]] bool appends() const {
      return flavour == Flavour::append || flavour == Flavour::direct_append;
    }
    [[nodiscard]] bool direct() const {
      return flavour == Flavour::direct || flavour == Flavour::direct_append;
    }
  };

  [[nodiscard]] bool refusable(const Handle& handle, std::size_t offset, const Operation& operation) const;
  void open(Handle& handle, Flavour flavour);
  void perform(const Operation& operation);
  void do_read(const Operation& operation);
  void do_write(const Operation& operation);
  void do_mapped(const Operation& operation);
  void do_sync(const Operation& operation);
  void do_allocate(const Operation& operation, int mode);
  void do_truncate(std::size_t size);
  void do_copy(const Operation& operation);
  void do_seek();
  void do_reopen(const Operation& operation);

  /// True once.
  [[nodiscard]] bool tells_lie(Lie lie);
  void compare(std::uint64_t way);
  [[nodiscard]] bool reads_direct() const;
  void compare_with(const char* way, std::span<const char> found, std::size_t offset) const;
  void compare_size(const char* way, int fd) const;
  [[nodiscard]] std::span<const char> own() const;
  void flip_a_byte();

  const Setup setup_;
  Lots lots_;
  FileModel model_;
  std::vector<Handle> handles_;
  UniqueFd reader_;
  UniqueFd direct_reader_;
  UniqueFd source_;
  MappedFile mapping_;
  /// Only the mapping knows of some bytes.
  bool dirty_pages_ = false;
  bool lied_ = false;
  std::uint64_t steps_ = 0;
  std::deque<std::string> log_;
};

}  // namespace sluice::fsx
