#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "sluice/io_backend.h"
#include "sluice/mutex.h"

namespace sluice {

/// Syncs by threads that block in fsync(2), for systems that forbid io_uring. Threads are made when a sync
/// finds no idle one, at most max_syncs, and kept.
class ThreadBackend final : public IoBackend {
 public:
  /// Makes one descriptor durable; returns 0 or the error number.
  using SyncCall = std::function<int(int fd, SyncKind kind)>;

  /// EAGAIN when not even one thread can be created. REQUIRES: 0 < max_syncs <= kMaxSyncs.
  static Result<std::unique_ptr<ThreadBackend>> create(unsigned max_syncs);
  /// The same with another call in the place of fsync(2).
  static Result<std::unique_ptr<ThreadBackend>> create(unsigned max_syncs, SyncCall sync_call);
  /// Waits for the syncs that run.
  ~ThreadBackend() override;
  ThreadBackend(const ThreadBackend&) = delete;
  ThreadBackend& operator=(const ThreadBackend&) = delete;

  void submit_sync(SyncToken token, int fd, SyncKind kind) override;
  void wait(std::vector<SyncCompletion>& completions) override;
  void wake() override;
  [[nodiscard]] Result<Fingerprint> fingerprint(int fd) const override;
  [[nodiscard]] unsigned max_syncs() const override { return max_syncs_; }
  [[nodiscard]] std::string_view name() const override { return "threads"; }

 private:
  struct Sync {
    SyncToken token;
    int fd;
    SyncKind kind;
  };

  ThreadBackend(unsigned max_syncs, SyncCall sync_call);

  Result<void> add_thread();
  void run();

  // Constant after construction.
  const unsigned max_syncs_;
  const SyncCall sync_call_;

  // Owned by the thread that submits.
  std::vector<std::thread> threads_;

  Mutex mutex_;
  CondVar sync_queued_;
  CondVar wait_over_;
  std::deque<Sync> queue_ SLUICE_GUARDED_BY(mutex_);
  std::vector<SyncCompletion> completed_ SLUICE_GUARDED_BY(mutex_);
  std::size_t busy_ SLUICE_GUARDED_BY(mutex_) = 0;  ///< Threads that have taken a sync.
  bool woken_ SLUICE_GUARDED_BY(mutex_) = false;
  bool stopping_ SLUICE_GUARDED_BY(mutex_) = false;
};

}  // namespace sluice
