#include <aio.h>
#include <fcntl.h>

#include <vector>

#include "aio/posix_aio.h"
#include "aio/posix_list.h"
#include "aio/posix_notify.h"
#include "aio/private_memory.h"
#include "aio/process_aio.h"

// What becomes of the requests of PosixAio once they are queued: they end, are waited for, are cancelled, or
// are left behind by a fork.

namespace sluice {

// ---- The end of a request ----

void PosixAio::finish(const PosixBlock& block, const Result<std::size_t>& result, PosixList* list) {
  const int error = result ? 0 : result.error().value();
  const ssize_t value = result ? static_cast<ssize_t>(*result) : -1;
  {
    const MutexLock lock(mutex_);
    set_status(block, error, value);
    in_flight_.erase(block.address);
    // Not read back: whoever sees the status may have taken the block away by now.
    if (collect_ == Collect::once) remember_finished({block.address, error, value});
  }
  // The block is the program's again, and may be gone.
  finished_any_.advance_and_wake_all();
  notify(block.notification);
  if (list != nullptr) list->one_done(!result);
}

void PosixAio::remember_finished(const Finished& finished) {
  const std::uint64_t number = ++last_number_;
  finished_.emplace(number, finished);
  finished_at_[finished.address] = number;
}

bool PosixAio::forget_finished(const void* address) {
  const auto found = finished_at_.find(address);
  if (found == finished_at_.end()) return false;
  finished_.erase(found->second);
  finished_at_.erase(found);
  return true;
}

bool PosixAio::collect(const void* address) {
  const MutexLock lock(mutex_);
  return forget_finished(address) || inherited_.erase(address) != 0;
}

// ---- Waiting, cancelling ----

Result<void> PosixAio::wait_for_change(std::uint32_t seen, Deadline deadline) const {
  switch (finished_any_.wait(seen, deadline)) {
    case FutexWord::Wait::woken:
      break;
    case FutexWord::Wait::timed_out:
      return fail(EAGAIN);
    case FutexWord::Wait::interrupted:
      return fail(EINTR);
  }
  return {};
}

Result<PosixAio::Finished> PosixAio::wait_next(Deadline deadline) {
  for (;;) {
    const std::uint32_t seen = finished_any_.value();
    {
      const MutexLock lock(mutex_);
      if (!finished_.empty()) {
        const Finished first = finished_.begin()->second;
        forget_finished(first.address);
        return first;
      }
    }
    if (const Result<void> woken = wait_for_change(seen, deadline); !woken) return fail(woken.error());
  }
}

Result<int> PosixAio::cancel(int fd, const PosixBlock* block) {
  if (::fcntl(fd, F_GETFD) < 0) return fail_last();
  if (block != nullptr && block->fd != fd) return fail(EINVAL);
  std::vector<std::shared_ptr<AioRequest>> requests;
  int outcome = AIO_ALLDONE;
  {
    const MutexLock lock(mutex_);
    for (const auto& [address, entry] : in_flight_) {
      if (block != nullptr ? address != block->address : entry.block.fd != fd) continue;
      if (entry.request) {
        requests.push_back(entry.request);
      } else {
        outcome = AIO_NOTCANCELED;  // It is only just being queued.
      }
    }
  }
  if (requests.empty()) return outcome;
  const Result<AioContext*> context = process_aio();
  if (!context) return fail(context.error());
  for (const auto& request : requests) {
    switch ((*context)->cancel(*request)) {
      case CancelOutcome::cancelled:
        if (outcome == AIO_ALLDONE) outcome = AIO_CANCELED;
        break;
      case CancelOutcome::not_cancelled:
        outcome = AIO_NOTCANCELED;
        break;
      case CancelOutcome::all_done:
        break;
    }
  }
  return outcome;
}

// ---- fork(2) ----

// Locked by one handler and unlocked by another, which the analysis cannot follow.
void PosixAio::before_fork() SLUICE_TSA(no_thread_safety_analysis) {
  mutex_.lock();
}

void PosixAio::after_fork_in_parent() SLUICE_TSA(no_thread_safety_analysis) {
  mutex_.unlock();
}

void PosixAio::after_fork_in_child() SLUICE_TSA(no_thread_safety_analysis) {
  for (const auto& [address, entry] : in_flight_) {
    // In shared memory it is still the parent's.
    if (is_private_memory(address)) set_status(entry.block, ECANCELED, -1);
    if (collect_ == Collect::once) inherited_.insert(address);
  }
  for (const auto& [address, number] : finished_at_) inherited_.insert(address);
  in_flight_.clear();
  finished_.clear();
  finished_at_.clear();
  mutex_.unlock();
}

}  // namespace sluice
