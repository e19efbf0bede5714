#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "sluice/aio_request.h"
#include "sluice/completion_queue.h"
#include "sluice/epochs.h"
#include "sluice/io_backend.h"
#include "sluice/mutex.h"
#include "sluice/result.h"

namespace sluice {

class AioCompletion;
class DuplicateSet;
struct AioTarget;
class FutexWord;
class SyncEngine;
class TransferQueue;

struct AioOptions {
  /// Requests that may be outstanding at one time. Not 0.
  std::size_t max_requests = 65536;
  /// Syncs that run at one time, and reads and writes that do. 1 to kMaxInFlight.
  unsigned max_syncs = 64;
  unsigned max_transfers = 64;
  BackendChoice backend = BackendChoice::automatic;
};

/// How much of a batch was queued.
struct AioBatch {
  /// The first so many orders are; those behind them are untouched.
  std::size_t queued = 0;
  /// Why the next one was not, when not all are.
  std::optional<Errno> error;
};

/// Asynchronous syncs, reads and writes of files. A sync covers what was queued here on its file before, by
/// whichever descriptor, and what the program has written by other means; it is done when all of that has
/// ended and is durable (docs/contract.md). Later requests neither delay it nor are claimed by it.
///
/// Every request is a new epoch: since the program may write behind our back, no sync is ever elided, and
/// none joins a sync that began before it came (clause E3). Contexts know nothing of each other.
///
/// A sync that failed is remembered for its file as long as the context lives, and fails those that come
/// later (clause E2), until accept_loss().
///
/// Thread-safe. No call waits for a device, but for stop() and the wait functions. Running out of memory ends
/// the process.
class AioContext {
 public:
  using Deadline = std::chrono::steady_clock::time_point;
  using Requests = std::vector<std::shared_ptr<AioRequest>>;

  /// ENOSYS: `options.backend` is io_uring, which is not there or is forbidden; EINVAL: a limit is out of its
  /// range; EAGAIN: there can be no thread.
  static Result<std::unique_ptr<AioContext>> create(const AioOptions& options = {});
  /// With backends of the caller's own. Throws std::system_error when there can be no thread.
  AioContext(const AioOptions& options, std::unique_ptr<IoBackend> syncs,
             std::unique_ptr<IoBackend> transfers);
  /// stop()s.
  ~AioContext();
  AioContext(const AioContext&) = delete;
  AioContext& operator=(const AioContext&) = delete;

  // ---- Requests ----

  /// Queues `order`; its cover is taken now (clause P2).
  /// EBADF: fd is not open, or by O_PATH only. EOPNOTSUPP: it is no regular file, directory or block device.
  /// EINVAL: an offset is negative. EAGAIN: max_requests are outstanding, or the completion queue has no
  /// room. ESHUTDOWN: stop() was called. EMFILE: no descriptor to duplicate it to. On an error nothing was
  /// queued and `order` is untouched (clause B3).
  Result<std::shared_ptr<AioRequest>> submit(AioOrder&& order) noexcept;
  /// Queues orders in their sequence up to the first that is refused. Their requests are appended to
  /// `requests`.
  AioBatch submit_batch(std::span<AioOrder> orders, Requests& requests) noexcept;
  /// The same for what nobody will ask about (clause S5).
  Result<void> submit_detached(AioOrder&& order) noexcept;
  /// Forgets a request that has not been started; it is done with ECANCELED then. A sync that no running sync
  /// covers can be cancelled, and a read or write that waits for its turn. Cancelling a write takes nothing
  /// from the syncs that cover it. REQUIRES: `request` was submitted here.
  CancelOutcome cancel(AioRequest& request) noexcept;

  /// The caller has dealt with what failed syncs of this file have lost, by writing it to another place or by
  /// doing without: syncs that come later are judged afresh. Fails as submit() does for the descriptor.
  Result<void> accept_loss(int fd) noexcept;

  // ---- Waiting ----

  /// Waits until one of `requests` is done: its index; none when `deadline` passed first. Null ones are
  /// passed over. REQUIRES: all were submitted here.
  std::optional<std::size_t> wait_any(std::span<const std::shared_ptr<AioRequest>> requests,
                                      Deadline deadline = Deadline::max()) const;
  /// Waits until all are done. False when `deadline` passed first.
  static bool wait_all(std::span<const std::shared_ptr<AioRequest>> requests,
                       Deadline deadline = Deadline::max());

  // ---- Life ----

  /// Refuses new requests, and waits until all are done and everyone has been told. Not from a callback.
  void stop();
  /// What carries the requests out: "io_uring", "threads".
  [[nodiscard]] std::string_view backend_name() const;
  [[nodiscard]] const SyncEngine& engine() const { return *engine_; }

  // ---- fork(2) ----

  /// Around a fork: before it, and after it in the parent.
  void before_fork() noexcept;
  void after_fork_in_parent() noexcept;
  /// In the child, which has none of the threads: closes the descriptors of outstanding requests. The context
  /// is of no other use there, and must not be destroyed.
  void after_fork_in_child() noexcept;

 private:
  friend class AioCompletion;

  void enqueue_sync(SyncKind kind, Priority priority, AioTarget&& target, AioCompletion&& completion,
                    AioRequest& request);
  void enqueue_transfer(const Transfer& transfer, Priority priority, AioTarget&& target,
                        AioCompletion&& completion, AioRequest& request);
  Result<void> take_place();
  void finish(AioRequest& request, Result<std::size_t> result);

  // Constant after construction.
  const std::size_t max_requests_;

  // Each synchronises itself.
  const std::unique_ptr<DuplicateSet> descriptors_;
  /// Advances whenever a request is done.
  const std::unique_ptr<FutexWord> finished_;
  const std::unique_ptr<SyncEngine> engine_;
  const std::unique_ptr<TransferQueue> transfers_;

  Mutex mutex_;
  CondVar all_finished_;
  std::size_t outstanding_ SLUICE_GUARDED_BY(mutex_) = 0;
  bool stopping_ SLUICE_GUARDED_BY(mutex_) = false;
};

}  // namespace sluice
