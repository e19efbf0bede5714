#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "sluice/ids.h"
#include "sluice/io_backend.h"
#include "sluice/result.h"
#include "sluice/unique_fd.h"

namespace sluice {

/// Is told how a transfer ended, exactly once, outside every lock: on the queue's thread, or within cancel().
/// Must not block; may submit and cancel.
class TransferCallback {
 public:
  virtual ~TransferCallback() = default;
  /// How many bytes were moved, or the error of the call.
  virtual void transfer_done(Result<std::size_t> result) noexcept = 0;
  /// In its place, when it was cancelled while it waited. A file system's own ECANCELED is no such thing.
  virtual void transfer_cancelled() noexcept { transfer_done(fail(ECANCELED)); }
};

/// Names a queued transfer. 0 names none.
enum class TransferId : std::uint64_t {};

struct TransferOrder {
  Transfer transfer;
  /// What transfer.fd is; let go of when the transfer has ended, just before its callback is called.
  /// REQUIRES: not null.
  SharedFd descriptor;
  FileKey file;
  Priority priority;
  /// One after another with the others of this file that say so, in the order of submission (O_APPEND); its
  /// priority counts from when it is its turn.
  bool in_turn = false;
  /// May be null.
  std::unique_ptr<TransferCallback> callback;
};

}  // namespace sluice
