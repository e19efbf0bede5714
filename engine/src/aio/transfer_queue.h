#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <unordered_map>
#include <vector>

#include "aio/transfer_order.h"
#include "aio/waiting_transfers.h"
#include "sluice/epochs.h"
#include "sluice/io_backend.h"
#include "sluice/mutex.h"
#include "sluice/result.h"

namespace sluice {

/// Reads and writes that wait, by priority, and those that run: at most as many as the backend takes. One
/// thread of its own owns the backend. Thread-safe. How many may wait is for the caller to bound. Running out
/// of memory ends the process.
class TransferQueue {
 public:
  /// Throws std::system_error when there can be no thread.
  explicit TransferQueue(std::unique_ptr<IoBackend> backend);
  /// stop()s.
  ~TransferQueue();
  TransferQueue(const TransferQueue&) = delete;
  TransferQueue& operator=(const TransferQueue&) = delete;

  /// ESHUTDOWN: stop() was called; `order` is untouched. The callback may be called before this returns.
  Result<TransferId> submit(TransferOrder&& order) noexcept;
  /// Takes out a transfer that has not been started and tells its callback ECANCELED.
  CancelOutcome cancel(TransferId id) noexcept;
  /// Refuses new transfers, waits until all have ended and every callback has returned, and ends the thread.
  /// Not from a callback.
  void stop();

 private:
  struct Start {
    IoToken token;
    Transfer transfer;
  };

  void leave(std::size_t count);

  // On the queue's thread.
  void run();
  bool start_transfers();
  [[nodiscard]] bool none_ready();
  bool finish(const IoCompletion& completion);

  // Constant after construction.
  const std::unique_ptr<IoBackend> backend_;

  // Each synchronises itself.
  /// False only while the queue's thread may be asleep; whoever sets it true must wake the thread.
  std::atomic<bool> awake_{true};
  std::atomic<bool> exit_{false};
  std::atomic<std::thread::id> own_thread_{};

  Mutex mutex_;
  CondVar all_left_;
  WaitingTransfers waiting_ SLUICE_GUARDED_BY(mutex_);
  std::unordered_map<TransferId, QueuedTransfer> running_ SLUICE_GUARDED_BY(mutex_);
  std::uint64_t last_id_ SLUICE_GUARDED_BY(mutex_) = 0;
  /// Transfers that were submitted and whose callback has not returned.
  std::size_t unfinished_ SLUICE_GUARDED_BY(mutex_) = 0;
  bool stopping_ SLUICE_GUARDED_BY(mutex_) = false;

  // Owned by the queue's thread.
  std::vector<Start> starting_;

  Mutex join_mutex_;  // Taken last, for joining alone.
  std::thread thread_;
};

}  // namespace sluice
