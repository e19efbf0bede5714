#pragma once

#include <memory>
#include <unordered_set>
#include <vector>

#include "sluice/mutex.h"
#include "sluice/result.h"
#include "sluice/unique_fd.h"

namespace sluice {

/// Duplicates of callers' descriptors, each open for as long as a request needs it; and those that a child
/// process inherits of them. Thread-safe. May be destroyed before its duplicates.
///
/// To close any descriptor of a file gives up all record locks that the process has on it (fcntl(2)), which
/// the program would not notice. So while somebody has one, a duplicate is kept open, and used again for the
/// same open file; it is closed when another is made or ends after the lock is gone. A lock that another
/// thread takes just as a duplicate is closed is lost all the same.
class DuplicateSet {
 public:
  DuplicateSet() = default;
  /// Leaves open what has to be kept.
  ~DuplicateSet();
  DuplicateSet(const DuplicateSet&) = delete;
  DuplicateSet& operator=(const DuplicateSet&) = delete;

  /// EBADF: `fd` is not open. EMFILE: no descriptor is free.
  Result<SharedFd> duplicate(int fd);

  /// Around fork(2), so that the child finds the set as it was at one moment.
  void before_fork();
  void after_fork_in_parent();
  /// Closes every duplicate. Their owners are in threads that the child does not have.
  void after_fork_in_child();

 private:
  struct Open {
    Mutex mutex;
    std::unordered_set<int> descriptors SLUICE_GUARDED_BY(mutex);
    /// Those among them that no request needs.
    std::vector<int> kept SLUICE_GUARDED_BY(mutex);
  };

  static Result<int> make(Open& open, int fd);
  static void release(Open& open, int descriptor);
  /// Closes what is kept without need.
  static void release_kept(Open& open);

  const std::shared_ptr<Open> open_ = std::make_shared<Open>();
};

}  // namespace sluice
