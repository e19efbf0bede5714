#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <unordered_set>

#include "aio/posix_block.h"
#include "sluice/aio_context.h"
#include "sluice/futex_word.h"
#include "sluice/mutex.h"
#include "sluice/result.h"

namespace sluice {

/// The requests of one lio_listio(3), of which somebody wants to know when all are done.
class PosixList;

/// POSIX AIO on the context of the process, for blocks of any layout. Thread-safe.
///
/// A block is in the table from queueing until its status is set, which both happen under the lock: whoever
/// sees that it is done can queue it again. Blocks of a collecting interface (sluice_aio_waitcomplete) are
/// remembered from then until their result is taken, and count towards the limit.
class PosixAio {
 public:
  using Deadline = FutexWord::Deadline;

  enum class Collect : std::uint8_t {
    from_block,  ///< The program reads the status from the block whenever it likes, as with the C library.
    once,        ///< Its result is taken once.
  };
  struct Finished {
    void* address;
    int error;
    ssize_t result;
  };

  /// Uses priority if the environment says so.
  explicit PosixAio(Collect collect);
  PosixAio(const PosixAio&) = delete;
  PosixAio& operator=(const PosixAio&) = delete;

  /// Requests that wait are ordered by priority from now on (clause B2).
  void use_priority(bool use) { use_priority_ = use; }

  /// Each as sluice_aio_fsync() and its kin say.
  Result<void> fsync(int op, const PosixBlock& block);
  Result<void> read(const PosixBlock& block);
  Result<void> write(const PosixBlock& block);
  Result<void> list(int mode, std::span<const std::optional<PosixBlock>> blocks,
                    const sigevent* notification);
  /// Waits until one of `count` statuses is not EINPROGRESS. `error_at` finds each; a null one is passed
  /// over, and when all are there is nothing to wait for, as in the C library. EAGAIN: `deadline` has passed;
  /// EINTR: a signal handler has run. Async-signal-safe.
  template <typename ErrorAt>
  Result<void> suspend(std::size_t count, ErrorAt error_at, Deadline deadline) const {
    for (;;) {
      const std::uint32_t seen = finished_any_.value();
      bool any_in_progress = false;
      for (std::size_t i = 0; i < count; ++i) {
        const int* error = error_at(i);
        if (error == nullptr) continue;
        if (status_of(error) != EINPROGRESS) return {};
        any_in_progress = true;
      }
      if (!any_in_progress) return {};
      if (const Result<void> woken = wait_for_change(seen, deadline); !woken) return woken;
    }
  }
  /// AIO_CANCELED, AIO_NOTCANCELED or AIO_ALLDONE. A null block: all of the descriptor.
  Result<int> cancel(int fd, const PosixBlock* block);
  /// Takes note that the result of a block is taken. False when it is not there to be taken. REQUIRES:
  /// Collect::once.
  bool collect(const void* address);
  /// Takes what was done first. EAGAIN, EINTR. REQUIRES: Collect::once.
  Result<Finished> wait_next(Deadline deadline);

  /// Around fork(2). In the child every block in flight says ECANCELED, and none of its parent's counts or is
  /// handed out.
  void before_fork();
  void after_fork_in_parent();
  void after_fork_in_child();

 private:
  class Callback;
  struct InFlight {
    PosixBlock block;
    std::uint64_t number;
    std::shared_ptr<AioRequest> request;  ///< Null while it is being queued.
  };

  Result<void> queue(AioOrder order, const PosixBlock& block, std::shared_ptr<PosixList> list);
  Result<void> transfer(const PosixBlock& block, bool is_write, const std::shared_ptr<PosixList>& list);
  Result<void> fail_later(const PosixBlock& block, Errno error, const std::shared_ptr<PosixList>& list);
  Result<std::uint64_t> enter(const PosixBlock& block);
  void leave(const PosixBlock& block, Errno error);
  void finish(const PosixBlock& block, const Result<std::size_t>& result, PosixList* list);
  void remember_finished(const Finished& finished) SLUICE_REQUIRES(mutex_);
  bool forget_finished(const void* address) SLUICE_REQUIRES(mutex_);
  Result<void> wait_for_change(std::uint32_t seen, Deadline deadline) const;
  [[nodiscard]] Priority priority_of(const PosixBlock& block) const;

  const Collect collect_;
  std::atomic<bool> use_priority_;
  /// Advances whenever a block is done.
  FutexWord finished_any_;

  Mutex mutex_;
  std::unordered_map<const void*, InFlight> in_flight_ SLUICE_GUARDED_BY(mutex_);
  std::uint64_t last_number_ SLUICE_GUARDED_BY(mutex_) = 0;
  /// Done and not collected, in the order in which they ended; and where in it a block is.
  std::map<std::uint64_t, Finished> finished_ SLUICE_GUARDED_BY(mutex_);
  std::unordered_map<const void*, std::uint64_t> finished_at_ SLUICE_GUARDED_BY(mutex_);
  /// Blocks of the parent process whose result is there to be taken, but which are none of this one's.
  std::unordered_set<const void*> inherited_ SLUICE_GUARDED_BY(mutex_);
};

}  // namespace sluice
