#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <span>

#include "sluice/aio_context.h"
#include "sluice/aio_libaio.h"
#include "sluice/futex_word.h"
#include "sluice/mutex.h"
#include "sluice/result.h"

namespace sluice {

/// A context of the libaio shape: a limit, and the events of requests that are done. Its requests are those
/// of the process's AioContext, so that cover spans contexts. Thread-safe. Kept by each of its requests.
class LibaioContext : public std::enable_shared_from_this<LibaioContext> {
 public:
  using Deadline = FutexWord::Deadline;

  struct Event {
    sluice_io_event event;
    sluice_io_callback_t callback;
  };

  LibaioContext(AioContext& aio, std::size_t max_events) : aio_(aio), max_events_(max_events) {}
  LibaioContext(const LibaioContext&) = delete;
  LibaioContext& operator=(const LibaioContext&) = delete;

  /// Each as sluice_io_submit() says. The second fills in the block when it is not in use.
  Result<void> submit(sluice_iocb* block) { return submit(block, nullptr); }
  Result<void> submit_as(sluice_iocb* block, const sluice_iocb& content) { return submit(block, &content); }
  /// The event of the cancelled request. EAGAIN, EINVAL as sluice_io_cancel() says.
  Result<sluice_io_event> cancel(sluice_iocb* block);

  /// Collects until `min` or more have been, or as sluice_io_getevents() says.
  Result<std::size_t> collect(std::size_t min, std::span<sluice_io_event> events, Deadline deadline);
  /// Collects the first event whose block has a callback.
  std::optional<Event> collect_called();
  /// Waits until there is an event. ETIMEDOUT, EINTR; EINVAL: close() was called.
  Result<void> wait_for_event(Deadline deadline) const;

  /// Refuses new requests, waits until all have ended, and forgets their events.
  void close();

 private:
  class Callback;

  Result<void> submit(sluice_iocb* block, const sluice_iocb* content);
  Result<void> queue(sluice_iocb* block, std::uint64_t use);
  Result<void> take_place();
  void give_place_back();
  void finish(const Event& event);
  std::size_t take(std::span<sluice_io_event> events) SLUICE_REQUIRES(mutex_);

  // Constant after construction.
  AioContext& aio_;
  const std::size_t max_events_;

  /// Advances when a request has ended, and by close().
  FutexWord changed_;

  // running_ + done_.size() <= max_events_
  mutable Mutex mutex_;
  std::size_t running_ SLUICE_GUARDED_BY(mutex_) = 0;
  std::deque<Event> done_ SLUICE_GUARDED_BY(mutex_);
  bool closed_ SLUICE_GUARDED_BY(mutex_) = false;
};

}  // namespace sluice
