#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace sluice::fsx {

/// What is done to a file. All go by the handle of the operation, but for those of the mapping.
enum class Kind : std::uint8_t {
  read,
  write,         ///< pwrite(2); at the end where the handle appends.
  write_parts,   ///< pwritev(2) of three buffers.
  read_mapped,   ///< From the mapping that is kept.
  write_mapped,  ///< To it.
  sync_mapped,   ///< msync(2), MS_SYNC, of all of it.
  remap,         ///< Makes the mapping anew, by the handle.
  seek,          ///< Walks along what SEEK_DATA and SEEK_HOLE say.
  sync,
  sync_data,
  reopen,      ///< Closes the handle, and opens one of another flavour in its place.
  drop_cache,  ///< posix_fadvise(2), POSIX_FADV_DONTNEED.
  punch,
  zero_keep,  ///< FALLOC_FL_ZERO_RANGE with FALLOC_FL_KEEP_SIZE.
  // From here on the size may change.
  zero,
  allocate,
  allocate_keep,
  truncate,
  copy,  ///< copy_file_range(2) within the file, from the handle to itself or another one.
};

/// The flags by which a handle is opened besides O_RDWR.
enum class Flavour : std::uint8_t { plain, append, direct, direct_append, sync, data_sync };
int open_flags(Flavour flavour);

struct Operation {
  Kind kind = Kind::read;
  std::size_t handle = 0;
  std::size_t offset = 0;
  std::size_t length = 0;
  std::size_t target = 0;         ///< Where a copy goes.
  std::size_t target_handle = 0;  ///< By which handle.
  Flavour flavour = Flavour::plain;
  std::uint64_t salt = 0;  ///< What the bytes of a write are made of.
};

std::string describe(const Operation& operation);

/// What an exerciser may do to its file.
struct Limits {
  /// Only bytes from here to `end` are its own.
  std::size_t begin = 0;
  std::size_t end = 0;
  /// Others have the rest of the file, so that the size must stay.
  bool fixed_size = false;
  std::size_t handles = 1;
  /// Direct I/O may begin and end anywhere, take any memory, and be done beside what others write to the
  /// file.
  bool odd_direct = true;
};

/// Deterministic on every machine, unlike the distributions of the standard library.
class Lots {
 public:
  explicit Lots(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t any() { return engine_(); }
  /// From 0 to `bound`, which is excluded and not 0.
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(engine_() % bound); }
  bool one_in(std::size_t count) { return below(count) == 0; }

 private:
  std::mt19937_64 engine_;
};

/// The next operation on a file of `size` bytes.
Operation draw(Lots& lots, const Limits& limits, std::size_t size);

/// The bytes that an operation writes. None of them is zero, and those of two operations differ.
std::vector<char> content(std::uint64_t salt, std::size_t length);

}  // namespace sluice::fsx
