#pragma once

#include <sys/types.h>

#include <cstdint>
#include <ctime>
#include <memory>
#include <string_view>
#include <vector>

#include "sluice/ids.h"
#include "sluice/result.h"

namespace sluice {

/// Names one submitted sync to the engine; the backend only hands it back.
class SyncToken {
 public:
  constexpr SyncToken() = default;
  explicit constexpr SyncToken(std::uint64_t number) : number_(number) {}
  [[nodiscard]] constexpr std::uint64_t number() const { return number_; }
  friend constexpr auto operator<=>(SyncToken, SyncToken) = default;

 private:
  std::uint64_t number_ = 0;
};

/// How a submitted sync ended.
enum class SyncOutcome : std::uint8_t {
  succeeded,
  failed,     ///< The sync returned an error, and so consumed what the kernel knew of it.
  never_ran,  ///< It provably did nothing (interrupted before it began); it may be submitted again.
};

struct SyncCompletion {
  SyncToken token;
  SyncOutcome outcome;
  Errno error{0};  ///< Unless it succeeded. ENOSYS never leaves here; it becomes EIO.
};

/// What statx(2) says of an inode's content, taken when a sync is submitted, to notice changes made behind
/// us.
struct Fingerprint {
  off_t size;
  timespec mtime;
  timespec ctime;
};

/// The engine's only way to the operating system. One engine owns one backend.
///
/// Threads: submit_sync() and wait() are called by the engine's own thread only; wake() and fingerprint() by
/// any.
class IoBackend {
 public:
  /// REQUIRES: no sync is in flight, and nobody is in another member function.
  virtual ~IoBackend() = default;

  /// Starts fsync(2) or fdatasync(2) on `fd`, which the caller keeps open until the completion is handed out.
  /// Does not wait for the device; what is submitted may begin only in the next wait(). Never fails: a sync
  /// that could not be submitted is reported by wait() as never_ran. REQUIRES: fewer than max_syncs() are in
  /// flight.
  virtual void submit_sync(SyncToken token, int fd, SyncKind kind) = 0;

  /// Appends what has completed since the last call to `completions`; waits until there is something, or
  /// until wake() has been called since the last return. May return with nothing.
  virtual void wait(std::vector<SyncCompletion>& completions) = 0;

  /// Makes the current wait(), or else the next one, return. Async-signal-safety is not promised.
  virtual void wake() = 0;

  [[nodiscard]] virtual Result<Fingerprint> fingerprint(int fd) const = 0;

  /// How many syncs may be in flight. Constant.
  [[nodiscard]] virtual unsigned max_syncs() const = 0;
  /// "io_uring", "threads": for the log and the status.
  [[nodiscard]] virtual std::string_view name() const = 0;
};

/// Which backend make_backend() gives.
enum class BackendChoice : std::uint8_t {
  automatic,  ///< io_uring, or threads where the kernel forbids it
  io_uring,   ///< io_uring or nothing
  threads,
};

/// More syncs at once than any device is known to use.
inline constexpr unsigned kMaxSyncs = 4096;

/// A backend that runs at most `max_syncs` syncs at once. Fails with io_uring_setup(2)'s error (ENOSYS where
/// the kernel has none, EPERM where it is forbidden), with EAGAIN when threads cannot be created, or with
/// EINVAL when `max_syncs` is 0 or above kMaxSyncs.
Result<std::unique_ptr<IoBackend>> make_backend(BackendChoice choice, unsigned max_syncs);

}  // namespace sluice
