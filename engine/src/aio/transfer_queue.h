#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "sluice/epochs.h"
#include "sluice/ids.h"
#include "sluice/io_backend.h"
#include "sluice/result.h"
#include "sluice/unique_fd.h"

namespace sluice {

/// Is told how a transfer ended, exactly once, outside every lock: on the queue's thread, or within cancel().
class TransferCallback {
 public:
  virtual ~TransferCallback() = default;
  /// How many bytes were moved; ECANCELED: cancelled while it waited; or the error of the call.
  virtual void transfer_done(Result<std::size_t> result) noexcept = 0;
};

/// Names a queued transfer. 0 names none.
enum class TransferId : std::uint64_t {};

struct TransferOrder {
  Transfer transfer;
  /// Open until the answer; what transfer.fd is.
  SharedFd descriptor;
  FileKey file;
  Priority priority;
  /// One after another with the others of this file that say so, in the order of submission (O_APPEND).
  bool in_turn = false;
  std::unique_ptr<TransferCallback> callback;
};

/// Reads and writes that wait, by priority, and those that run: at most as many as the backend takes. One
/// thread of its own owns the backend. Thread-safe. How many may wait is for the caller to bound.
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
  /// Refuses new transfers, waits until all have ended, and ends the thread. Not from a callback.
  void stop();
};

}  // namespace sluice
