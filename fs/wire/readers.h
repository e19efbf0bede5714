#pragma once

#include <pthread.h>

#include <cstddef>
#include <set>

#include "sluice/mutex.h"
#include "sluice/result.h"
#include "sluice/unique_fd.h"
#include "wire/busy_peak.h"
#include "wire/wire.h"

namespace sluicefs {

/// The threads that take requests from the kernel and serve them. One is added when the last idle one gets
/// work (a system call on the source may block), up to kMaxReaders, and ends when more are idle than have
/// been busy at once of late, and more than kMinIdle. Who may wait for long while it serves a request asks
/// first (KernelWait, SyncWait).
class Readers {
 public:
  explicit Readers(Session& session) : session_(session) {}
  /// REQUIRES: stop() was called, if start() was.
  ~Readers() = default;

  /// EAGAIN when not even one thread could be started.
  sluice::Result<void> start();
  /// Ends the session, interrupts those that wait for a request, and waits until every one has left.
  void stop();
  /// Becomes readable when the connection has ended.
  [[nodiscard]] int ended_fd() const { return ended_.get(); }

  static constexpr std::size_t kMaxReaders = 128;
  static constexpr std::size_t kMinIdle = 4;
  /// How many may wait for syncs.
  static constexpr std::size_t kMaxSyncWaits = kMaxReaders / 2;

  /// Permission for a reader to wait, while it serves a request, until the kernel has had other requests
  /// answered: given only where another reader stays to serve them, which waits for neither the kernel nor a
  /// sync.
  class KernelWait {
   public:
    explicit KernelWait(Readers& readers) : readers_(readers), allowed_(readers.begin_kernel_wait()) {}
    ~KernelWait() {
      if (allowed_) readers_.end_kernel_wait();
    }
    KernelWait(const KernelWait&) = delete;
    KernelWait& operator=(const KernelWait&) = delete;

    [[nodiscard]] bool allowed() const { return allowed_; }

   private:
    Readers& readers_;
    const bool allowed_;
  };

  /// Permission for a reader to wait for a sync of the source: given only where another is idle, ready to
  /// take the next request.
  class SyncWait {
   public:
    explicit SyncWait(Readers& readers) : readers_(readers), allowed_(readers.begin_sync_wait()) {}
    ~SyncWait() {
      if (allowed_) readers_.end_sync_wait();
    }
    SyncWait(const SyncWait&) = delete;
    SyncWait& operator=(const SyncWait&) = delete;

    [[nodiscard]] bool allowed() const { return allowed_; }

   private:
    Readers& readers_;
    const bool allowed_;
  };

 private:
  static void* enter(void* self);
  void run();
  void got_request() SLUICE_EXCLUDES(mutex_);
  /// False when enough others wait for requests, and this thread should leave.
  bool stays_idle() SLUICE_EXCLUDES(mutex_);
  void note_ended();
  bool begin_kernel_wait() SLUICE_EXCLUDES(mutex_);
  void end_kernel_wait() SLUICE_EXCLUDES(mutex_);
  bool begin_sync_wait() SLUICE_EXCLUDES(mutex_);
  void end_sync_wait() SLUICE_EXCLUDES(mutex_);
  sluice::Result<void> add_reader() SLUICE_REQUIRES(mutex_);

  Session& session_;
  sluice::UniqueFd ended_;
  sluice::Mutex mutex_;
  sluice::CondVar changed_;
  std::set<pthread_t> readers_ SLUICE_GUARDED_BY(mutex_);
  std::size_t idle_ SLUICE_GUARDED_BY(mutex_) = 0;
  /// Together fewer than there are readers.
  std::size_t waiting_for_kernel_ SLUICE_GUARDED_BY(mutex_) = 0;
  std::size_t waiting_for_sync_ SLUICE_GUARDED_BY(mutex_) = 0;
  BusyPeak busy_ SLUICE_GUARDED_BY(mutex_);
  bool stopping_ SLUICE_GUARDED_BY(mutex_) = false;
};

}  // namespace sluicefs
