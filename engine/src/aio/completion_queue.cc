#include "sluice/completion_queue.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "sluice/check.h"

namespace sluice {

Result<std::shared_ptr<CompletionQueue>> CompletionQueue::create(std::size_t max_requests) {
  UniqueFd event_fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event_fd.valid()) return fail_last();
  return std::shared_ptr<CompletionQueue>(new CompletionQueue(std::move(event_fd), max_requests));
}

CompletionQueue::Requests CompletionQueue::take(std::size_t max) {
  const MutexLock lock(mutex_);
  return take_locked(max);
}

CompletionQueue::Requests CompletionQueue::take(std::size_t min, std::size_t max, Deadline deadline) {
  SLUICE_CHECK(min <= max);
  for (;;) {
    const std::uint32_t seen = put_.value();
    {
      const MutexLock lock(mutex_);
      if (done_.size() >= min) return take_locked(max);
    }
    if (put_.wait(seen, deadline) != FutexWord::Wait::woken) return take(max);
  }
}

std::size_t CompletionQueue::size() const {
  const MutexLock lock(mutex_);
  return done_.size();
}

bool CompletionQueue::reserve() {
  const MutexLock lock(mutex_);
  if (reserved_ == max_requests_) return false;
  ++reserved_;
  return true;
}

void CompletionQueue::give_back() {
  const MutexLock lock(mutex_);
  --reserved_;
}

void CompletionQueue::put(std::shared_ptr<AioRequest> request) {
  {
    const MutexLock lock(mutex_);
    done_.push_back(std::move(request));
    // Readable says "not empty", so only the first has to say it.
    const std::uint64_t one = 1;
    if (done_.size() == 1) static_cast<void>(!::write(event_fd_.get(), &one, sizeof one));
  }
  put_.advance_and_wake_all();
}

CompletionQueue::Requests CompletionQueue::take_locked(std::size_t max) {
  const auto end = done_.begin() + static_cast<std::ptrdiff_t>(std::min(max, done_.size()));
  Requests taken(std::make_move_iterator(done_.begin()), std::make_move_iterator(end));
  done_.erase(done_.begin(), end);
  reserved_ -= taken.size();
  std::uint64_t ignored = 0;
  if (!taken.empty() && done_.empty()) static_cast<void>(!::read(event_fd_.get(), &ignored, sizeof ignored));
  return taken;
}

}  // namespace sluice
