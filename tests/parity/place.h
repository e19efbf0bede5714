#pragma once

#include <sys/stat.h>

#include <cerrno>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "caller.h"
#include "exemption.h"
#include "outcome.h"
#include "sluice/unique_fd.h"
#include "test_disk.h"

namespace sluice::testing::parity {

/// One of the two directories in which a test is run, with what the test sees there. The test is a process of
/// its own that acts as the caller, stands in the directory (so that names are relative to it), has the umask
/// 022, and is gone afterwards with all that it did to itself. Everything that is noted is compared.
class Place {
 public:
  /// Takes on the caller. REQUIRES: root, one thread, and `directory` as the working directory.
  Place(FileSystem file_system, const Caller& caller, std::string directory, const timespec& start);

  [[nodiscard]] FileSystem file_system() const { return file_system_; }
  [[nodiscard]] const Caller& caller() const { return caller_; }
  /// Absolute. Differs in length between the places.
  [[nodiscard]] const std::string& directory() const { return directory_; }

  /// Every read and write of the mount passes the daemon.
  [[nodiscard]] static bool data_is_tracked();
  /// For tests that take long: each caller on one file system, or all with SLUICE_TEST_LONG.
  [[nodiscard]] bool is_in_sample() const;

  // What is compared.

  /// Notes what a system call returned, or its error, and hands the returned value on. See CALL().
  template <typename Call>
  auto call(std::string_view label, Call make_call) {
    errno = 0;
    const auto returned = make_call();
    note_returned(label, static_cast<long>(returned));
    return returned;
  }
  /// The same for a call that returns a descriptor, of which only the success is noted. See OPEN().
  template <typename Call>
  UniqueFd open(std::string_view label, Call make_call) {
    errno = 0;
    UniqueFd fd(make_call());
    note_returned(label, fd.valid() ? 0 : -1);
    return fd;
  }
  void note(std::string_view label, std::string_view value);
  void note(std::string_view label, const char* value) { note(label, std::string_view(value)); }
  template <typename Number, typename = std::enable_if_t<std::is_integral_v<Number>>>
  void note(std::string_view label, Number value) {
    note(label, std::string_view(std::to_string(value)));
  }
  /// Attributes, of the link itself where it is one, and where a link leads.
  void show(const std::string& path);
  void show(const UniqueFd& fd);
  /// All of a file, read from the beginning by a new open file.
  void content(const std::string& path);
  /// Names in a directory with their types, sorted.
  void names(const std::string& path);
  /// Names and values, sorted; of the link itself where it is one.
  void xattrs(const std::string& path);
  /// Notes made by `run` may differ for that reason.
  void exempt(const Exemption& exemption, const std::function<void()>& run);

  // What prepares a test; it fails when this cannot be done.

  /// Runs `run` as root with all capabilities, and comes back to be the caller.
  void as_root(const std::function<void()>& run);
  /// As somebody else.
  void as(const Caller& caller, const std::function<void()>& run);
  /// New file with content and exact mode; of the one who makes it.
  void make_file(const std::string& path, std::string_view content = "", mode_t mode = 0644);
  /// New directory with exact mode.
  void make_directory(const std::string& path, mode_t mode = 0755);
  /// chown(2) by root.
  void give(const std::string& path, uid_t uid, gid_t gid);
  /// Sets both times to a time long gone, so that a later change of one is seen.
  void make_old(const std::string& path);
  /// Throws: the test cannot go on when `done` is false.
  void require(bool done, std::string_view what) const;

  /// Leaves the comparison of the whole tree out that follows each test, because it is large.
  void spare_tree() { spares_tree_ = true; }

  /// What was noted up to now.
  [[nodiscard]] Outcome take(std::string failure);

 private:
  void note_returned(std::string_view label, long returned);
  void become(const Caller& caller);

  const FileSystem file_system_;
  const Caller caller_;
  const std::string directory_;
  const timespec start_;  // Times from then on are shown as "now".
  Caller current_;
  Outcome outcome_;
  std::string exemption_;
  bool spares_tree_ = false;
};

/// The time that a test starts at, a little early: file systems use a clock that lags behind.
timespec start_of_test();

/// All below a directory with attributes, content and xattrs, as notes; read by root, and no access time
/// changed.
void note_tree(const std::string& directory, const timespec& now, Outcome& outcome);

}  // namespace sluice::testing::parity
