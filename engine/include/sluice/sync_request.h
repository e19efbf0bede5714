#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "sluice/epochs.h"
#include "sluice/ids.h"
#include "sluice/mutex.h"
#include "sluice/result.h"
#include "sluice/unique_fd.h"

namespace sluice {

/// Is told the result of a sync, exactly once, outside every lock of the engine: on the engine's thread, or
/// within some caller's submit() or cancel() when the answer is known there. Must not block and must not
/// wait for another sync; may submit, and is refused on the engine's thread when the queue is full.
class SyncCallback {
 public:
  virtual ~SyncCallback() = default;
  /// No error: the whole cover is durable (or accepted, for Acknowledge::when_queued). ECANCELED: cancelled
  /// while it waited. Otherwise the error that the sync of a part of the cover returned.
  virtual void sync_done(Result<void> result) noexcept = 0;
};

/// What a full queue does to a new request.
enum class WhenFull : std::uint8_t {
  refuse,  ///< EAGAIN; nothing was queued
  wait,    ///< The submitter waits for room; but not on the engine's own thread, which is what makes room
};

/// A request for durability: the one type that the mount and the API share.
struct SyncOrder {
  FileKey file;
  SyncKind kind = SyncKind::full;
  Acknowledge acknowledge = Acknowledge::when_durable;
  Priority priority;
  WhenFull when_full = WhenFull::refuse;
  /// submit() may take as long as a sync: unless too many are under way it makes this one itself and calls
  /// back before it returns, which spares the answer the changes of thread to the engine's and on to the
  /// backend's, and back.
  bool may_sync_here = false;
  /// An open descriptor of the file, which may be read-only; kept open until the answer. Used for the sync
  /// unless the engine holds one that was opened before the file's first write. REQUIRES: not null.
  SharedFd descriptor;
  /// May be null.
  std::unique_ptr<SyncCallback> callback;
};

enum class SyncStatus : std::uint8_t { in_progress, done };

/// A submitted request, for whoever wants to ask about it. Dropping it changes nothing: the sync goes on and
/// the callback is called. Every member may be called by any thread; it may outlive the engine.
class SyncRequest {
 public:
  SyncRequest(FileKey file, BarrierId id) : file_(file), id_(id) {}

  [[nodiscard]] SyncStatus status() const;
  /// REQUIRES: status() is done.
  [[nodiscard]] Result<void> result() const;
  /// Waits for the answer.
  Result<void> wait() const;
  /// None when `deadline` passed first.
  std::optional<Result<void>> wait_until(std::chrono::steady_clock::time_point deadline) const;

  [[nodiscard]] const FileKey& file() const { return file_; }
  [[nodiscard]] BarrierId id() const { return id_; }

 private:
  friend class SyncEngine;
  void answer(Result<void> result);

  const FileKey file_;
  const BarrierId id_;
  mutable Mutex mutex_;
  mutable CondVar answered_;
  std::optional<Result<void>> result_ SLUICE_GUARDED_BY(mutex_);
};

}  // namespace sluice
