#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cerrno>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sluice/unique_fd.h"

/// What tests do with files, so that a test is not buried in system calls.
namespace sluice::testing {

/// The error number of a system call that returned `returned`; 0 when it succeeded.
inline int error_of(long returned) {
  return returned < 0 ? errno : 0;
}

/// Fails the test when it cannot.
UniqueFd open_file(const std::string& path, int flags, mode_t mode = 0644);
/// All of a file; "<error>" with its text when it cannot be read.
std::string content(const std::string& path);
/// Creates the file, or replaces what is in it.
void make_file(const std::string& path, const std::string& content, mode_t mode = 0644);
/// lstat(2); fails the test when it cannot.
struct stat status(const std::string& path);
/// Permission bits.
mode_t mode_of(const std::string& path);
bool exists(const std::string& path);
/// Sorted, without the dots.
std::vector<std::string> names_in(const std::string& directory);
std::optional<std::string> xattr(const std::string& path, const char* name);
bool is_mount_point(const std::string& path);

/// Somebody without privileges.
struct User {
  uid_t uid = 65534;
  gid_t gid = 65534;
  std::vector<gid_t> groups;
};

/// What a program of its own, made by fork(2), does; its exit status, or 256 and the signal that ended it.
/// Errnos fit. `run` must confine itself to system calls: other threads hold locks in the copy. The program
/// is killed when the test ends.
int run_in_child(const std::function<int()>& run);
int run_as(const User& user, const std::function<int()>& run);

/// A child that runs beside the test until it is told to end.
class Child {
 public:
  /// `run` gets a descriptor: one byte written there lets ready() return, and a read returns when the parent
  /// calls proceed().
  explicit Child(const std::function<int(int)>& run);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Waits for the child's next byte; false when it ended instead, or let a minute pass.
  bool ready();
  /// True when ready() would not have to wait.
  [[nodiscard]] bool has_reported() const { return reports_within(0); }
  void proceed();
  /// Waits for its end, which the test has brought about; as run_in_child().
  int wait();

 private:
  [[nodiscard]] bool reports_within(int milliseconds) const;

  pid_t pid_ = -1;
  UniqueFd channel_;
};

}  // namespace sluice::testing
