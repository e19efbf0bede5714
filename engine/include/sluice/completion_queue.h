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

/// Requests that are done and wait to be taken, in the order in which they ended. Bounded: room for a
/// request is kept from its submission until it is taken. Thread-safe; may outlive the context.
class CompletionQueue {
 public:
  using Deadline = std::chrono::steady_clock::time_point;
  using Requests = std::vector<std::shared_ptr<AioRequest>>;

  /// With room for `max_requests` that are submitted and not taken; to submit more is EAGAIN. Fails as
  /// eventfd(2): EMFILE, ENFILE, ENOMEM.
  static Result<std::shared_ptr<CompletionQueue>> create(std::size_t max_requests = 65536);

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
  friend class AioContext;
  CompletionQueue(UniqueFd event_fd, std::size_t max_requests)
      : max_requests_(max_requests), event_fd_(std::move(event_fd)) {}

  /// False when there is no room for one more.
  bool reserve();
  /// A request for which there was room was not submitted.
  void give_back();
  void put(std::shared_ptr<AioRequest> request);
  Requests take_locked(std::size_t max) SLUICE_REQUIRES(mutex_);

  // Constant after construction.
  const std::size_t max_requests_;
  const UniqueFd event_fd_;

  FutexWord put_;
  mutable Mutex mutex_;
  /// Submitted and not taken. done_.size() <= reserved_ <= max_requests_
  std::size_t reserved_ SLUICE_GUARDED_BY(mutex_) = 0;
  std::deque<std::shared_ptr<AioRequest>> done_ SLUICE_GUARDED_BY(mutex_);
};

}  // namespace sluice
