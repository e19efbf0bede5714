#pragma once

#include <memory>
#include <unordered_set>

#include "sluice/mutex.h"
#include "sluice/result.h"
#include "sluice/unique_fd.h"

namespace sluice {

/// Duplicates of callers' descriptors, each open for as long as a request needs it; and those that a child
/// process inherits of them. Thread-safe. May be destroyed before its duplicates.
class DuplicateSet {
 public:
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
  };

  const std::shared_ptr<Open> open_ = std::make_shared<Open>();
};

}  // namespace sluice
