#include "sluice/sync_request.h"

#include "sluice/check.h"

namespace sluice {

SyncStatus SyncRequest::status() const {
  const MutexLock lock(mutex_);
  return result_ ? SyncStatus::done : SyncStatus::in_progress;
}

Result<void> SyncRequest::result() const {
  const MutexLock lock(mutex_);
  SLUICE_CHECK(result_.has_value());
  return *result_;
}

Result<void> SyncRequest::wait() const {
  const MutexLock lock(mutex_);
  while (!result_) answered_.wait(mutex_);
  return *result_;
}

std::optional<Result<void>> SyncRequest::wait_until(std::chrono::steady_clock::time_point deadline) const {
  const MutexLock lock(mutex_);
  while (!result_) {
    if (!answered_.wait_until(mutex_, deadline)) break;
  }
  return result_;
}

void SyncRequest::answer(Result<void> result) {
  const MutexLock lock(mutex_);
  SLUICE_CHECK(!result_);
  result_ = result;
  answered_.notify_all();
}

}  // namespace sluice
