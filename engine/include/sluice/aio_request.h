#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <variant>

#include "sluice/futex_word.h"
#include "sluice/ids.h"
#include "sluice/result.h"

namespace sluice {

class AioRequest;
class CompletionQueue;
class SyncRequest;

/// Make durable what was queued or written before (aio_fsync(3)): `full` is fsync(2), `data` is fdatasync(2).
struct AioSync {
  SyncKind kind = SyncKind::full;
};

/// pread(2) into `buffer`, which belongs to the request until it is done.
struct AioRead {
  std::span<std::byte> buffer;
  off_t offset = 0;
};

/// pwrite(2) of `buffer`, which must stay as it is until the request is done. On a descriptor that is open
/// with O_APPEND the offset is ignored, and writes of the file are made in the order in which they were
/// submitted.
struct AioWrite {
  std::span<const std::byte> buffer;
  off_t offset = 0;
};

/// Is told that a request is done, exactly once, under no lock: on a thread of the context, or on the
/// caller's within submit() or cancel(). Must not block; may submit.
class AioCallback {
 public:
  virtual ~AioCallback() = default;
  /// `request` is done; it may be kept by AioRequest::shared_from_this().
  virtual void request_done(AioRequest& request) noexcept = 0;
};

/// A prepared request: a value that queues nothing and cannot fail (clause P1).
struct AioOrder {
  /// Read when the order is submitted, and duplicated then: the caller may close it afterwards.
  int fd = -1;
  std::variant<AioSync, AioRead, AioWrite> operation;
  /// A higher one is started earlier when requests have to wait their turn (clause B2).
  Priority priority;
  /// Handed back by AioRequest::tag().
  void* tag = nullptr;
  /// May be null.
  std::unique_ptr<AioCallback> callback;
  /// Where the request is put when it is done, after the callback; may be null.
  std::shared_ptr<CompletionQueue> completions;

  static AioOrder sync(int fd, SyncKind kind = SyncKind::full);
  static AioOrder read(int fd, std::span<std::byte> buffer, off_t offset);
  static AioOrder write(int fd, std::span<const std::byte> buffer, off_t offset);
};

/// A submitted request. Dropping it changes nothing: the operation goes on, and whoever was to be told is. It
/// may outlive its context. Every member may be called by any thread, and but for the wait functions by a
/// signal handler.
class AioRequest : public std::enable_shared_from_this<AioRequest> {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  explicit AioRequest(void* tag) : tag_(tag) {}
  AioRequest(const AioRequest&) = delete;
  AioRequest& operator=(const AioRequest&) = delete;

  [[nodiscard]] bool done() const { return done_.value() != 0; }
  /// How many bytes were read or written, 0 for a sync; ECANCELED: cancelled while it waited; or the error of
  /// the operation, for a sync also that of a queued read or write which it covers (clause S4).
  /// REQUIRES: done().
  [[nodiscard]] Result<std::size_t> result() const;
  /// Waits until the request is done.
  Result<std::size_t> wait() const;
  /// None when `deadline` passed first.
  std::optional<Result<std::size_t>> wait_until(Deadline deadline) const;
  /// AioOrder::tag.
  [[nodiscard]] void* tag() const { return tag_; }

 private:
  friend class AioContext;

  void finish(Result<std::size_t> result);

  void* const tag_;
  /// What cancel() has to name: one of the two. Written before submit() returns the request.
  std::shared_ptr<SyncRequest> sync_;
  std::uint64_t transfer_ = 0;
  /// Written once, before `done_` advances.
  Result<std::size_t> result_{0};
  FutexWord done_;
};

}  // namespace sluice
