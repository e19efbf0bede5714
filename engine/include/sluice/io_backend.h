#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <memory>
#include <string_view>
#include <vector>

#include "sluice/ids.h"
#include "sluice/result.h"

namespace sluice {

/// Names one submitted sync or transfer to the engine; the backend only hands it back.
class IoToken {
 public:
  constexpr IoToken() = default;
  explicit constexpr IoToken(std::uint64_t number) : number_(number) {}
  [[nodiscard]] constexpr std::uint64_t number() const { return number_; }
  friend constexpr auto operator<=>(IoToken, IoToken) = default;

 private:
  std::uint64_t number_ = 0;
};

/// pread(2) into the buffer, or pwrite(2) of it.
enum class TransferKind : std::uint8_t { read, write };

/// A read or a write at a place of its own in the file.
struct Transfer {
  TransferKind kind;
  int fd;
  /// Of at least `bytes` bytes. A write does not change it.
  void* buffer;
  std::size_t bytes;
  /// Not negative. A write to a descriptor that is open with O_APPEND ignores it.
  off_t offset;
};

/// How a submitted sync or transfer ended.
enum class IoOutcome : std::uint8_t {
  succeeded,
  failed,     ///< The call returned an error; that of a sync consumed what the kernel knew of it.
  never_ran,  ///< It provably did nothing (interrupted before it began); it may be submitted again.
};

struct IoCompletion {
  IoToken token;
  IoOutcome outcome;
  /// Unless it succeeded. ENOSYS never leaves here; it becomes EIO.
  Errno error{0};
  /// What a transfer that succeeded has moved: all, or less as by read(2) and write(2).
  std::size_t bytes = 0;
};

/// What statx(2) says of an inode's content, to notice changes made behind us.
struct Fingerprint {
  off_t size;
  timespec mtime;
  timespec ctime;
};

/// The engine's only way to the operating system. Each backend has one owner: a thread of the engine's, for
/// syncs or for transfers.
///
/// Threads: submit_sync(), submit_transfer() and wait() are called by the owner only, all others by any.
/// What is submitted runs in any order, and much of it at once.
class IoBackend {
 public:
  /// REQUIRES: nothing is in flight, and nobody is in another member function.
  virtual ~IoBackend() = default;

  /// Starts fsync(2) or fdatasync(2) on `fd`, which the caller keeps open until the completion is handed out.
  /// Does not wait for the device; what is submitted may begin only in the next wait(). Never fails: a sync
  /// that could not be submitted is reported by wait() as never_ran. REQUIRES: fewer than max_in_flight() are
  /// in flight.
  virtual void submit_sync(IoToken token, int fd, SyncKind kind) = 0;

  /// Makes a sync on the calling thread and waits for it; it counts as one that is in flight. The
  /// completion's token says nothing. Any thread.
  virtual IoCompletion sync(int fd, SyncKind kind) = 0;

  /// As submit_sync(), with a transfer, whose buffer too the caller keeps until then. As with read(2), at
  /// most 0x7ffff000 bytes are moved.
  virtual void submit_transfer(IoToken token, const Transfer& transfer) = 0;

  /// Appends what has completed since the last call to `completions`; waits until there is something, or
  /// until wake() has been called since the last return. May return with nothing.
  virtual void wait(std::vector<IoCompletion>& completions) = 0;

  /// Makes the current wait(), or else the next one, return. Async-signal-safety is not promised.
  virtual void wake() = 0;

  [[nodiscard]] virtual Result<Fingerprint> fingerprint(int fd) const = 0;
  /// The size alone, for which the time stamps need not be asked (see AsSynced).
  [[nodiscard]] virtual Result<off_t> size(int fd) const = 0;
  /// CLOCK_REALTIME.
  [[nodiscard]] virtual timespec wall_clock() const = 0;
  /// True when the file system is known to stamp changes by this machine's wall_clock(), or by what that was
  /// at the last tick. What a server keeps has the server's stamps.
  [[nodiscard]] virtual bool stamps_by_wall_clock(int fd) const = 0;

  /// How many syncs and transfers together may be in flight. Constant.
  [[nodiscard]] virtual unsigned max_in_flight() const = 0;
  /// "io_uring", "threads": for the log and the status.
  [[nodiscard]] virtual std::string_view name() const = 0;
};

/// Which backend make_backend() gives.
enum class BackendChoice : std::uint8_t {
  automatic,  ///< io_uring, or threads where the kernel forbids it
  io_uring,   ///< io_uring or nothing
  threads,
};

/// More at once than any device is known to use.
inline constexpr unsigned kMaxInFlight = 4096;

/// A backend that runs at most `max_in_flight` syncs and transfers at once. Fails with io_uring_setup(2)'s
/// error (ENOSYS where the kernel has none, EPERM where it is forbidden), with EAGAIN when threads cannot be
/// created, or with EINVAL when `max_in_flight` is 0 or above kMaxInFlight.
Result<std::unique_ptr<IoBackend>> make_backend(BackendChoice choice, unsigned max_in_flight);

}  // namespace sluice
