#pragma once

#include <atomic>
#include <csignal>
#include <cstddef>

#include "aio/posix_notify.h"
#include "sluice/futex_word.h"
#include "sluice/result.h"

namespace sluice {

/// What the requests of one lio_listio(3) have in common: how many are not done, whether one has failed, and
/// who is told when all are. Thread-safe.
class PosixList {
 public:
  explicit PosixList(const sigevent& notification) : notification_(notification) {}

  void one_more() { left_.fetch_add(1); }
  void one_done(bool failed) {
    if (failed) failed_ = true;
    if (left_.fetch_sub(1) > 1) return;
    // Read before whoever waits goes on; the list is kept by the caller of this.
    done_.advance_and_wake_all();
    notify(notification_);
  }
  /// EINTR when a signal handler has run; EIO when a request has failed.
  Result<void> wait() const {
    while (done_.value() == 0) {
      if (done_.wait(0) == FutexWord::Wait::interrupted) return fail(EINTR);
    }
    if (failed_) return fail(EIO);
    return {};
  }

 private:
  const sigevent notification_;
  std::atomic<std::size_t> left_{1};  ///< One more than the requests, for whoever is still queueing.
  std::atomic<bool> failed_{false};
  FutexWord done_;
};

}  // namespace sluice
