#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "sluice/aio_request.h"
#include "sluice/mutex.h"
#include "sluice/result.h"
#include "sluice/unique_fd.h"

namespace sluice {

/// Requests that are done and wait to be taken, in the order in which they ended. Holds at most as many as
/// its orders' contexts let be outstanding. Thread-safe; may outlive the context.
class CompletionQueue {
 public:
  using Deadline = std::chrono::steady_clock::time_point;
  using Requests = std::vector<std::shared_ptr<AioRequest>>;

  /// Fails as eventfd(2): EMFILE, ENFILE, ENOMEM.
  static Result<std::shared_ptr<CompletionQueue>> create();

  /// Readable (poll(2), epoll(7)) while something is to be taken; a level, not an edge. Not to be read from.
  /// Valid as long as the queue.
  [[nodiscard]] int event_fd() const { return event_fd_.get(); }
  /// Takes at most `max` without waiting.
  Requests take(std::size_t max);
  /// Waits until `min` can be taken, then takes at most `max`. Fewer than `min`, maybe none, when `deadline`
  /// has passed or a signal handler of this thread has run. REQUIRES: min <= max.
  Requests take(std::size_t min, std::size_t max, Deadline deadline);
  [[nodiscard]] std::size_t size() const;

 private:
  friend class AioCompletion;
  explicit CompletionQueue(UniqueFd event_fd) : event_fd_(std::move(event_fd)) {}

  void put(std::shared_ptr<AioRequest> request);
  Requests take_locked(std::size_t max) SLUICE_REQUIRES(mutex_);

  const UniqueFd event_fd_;
  FutexWord put_;
  mutable Mutex mutex_;
  std::deque<std::shared_ptr<AioRequest>> done_ SLUICE_GUARDED_BY(mutex_);
};

}  // namespace sluice
