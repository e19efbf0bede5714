#pragma once

#include <pthread.h>

#include <cstddef>
#include <cstdint>
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
/// first (Wait).
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

  enum class WaitFor : std::uint8_t {
    kernel,  ///< Until the kernel has had other requests answered.
    sync,    ///< For a sync of the source.
  };

  /// Permission for a reader to wait while it serves a request: for the kernel, only where another reader
  /// stays to serve what that waits for, which waits for neither; for a sync, only where another is idle,
  /// ready to take the next request.
  class Wait {
   public:
    Wait(Readers& readers, WaitFor what)
        : readers_(readers), what_(what), allowed_(readers.begin_wait(what)) {}
    ~Wait() {
      if (allowed_) readers_.end_wait(what_);
    }
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;

    [[nodiscard]] bool allowed() const { return allowed_; }

   private:
    Readers& readers_;
    const WaitFor what_;
    const bool allowed_;
  };

 private:
  static void* enter(void* self);
  void run();
  void got_request() SLUICE_EXCLUDES(mutex_);
  /// False when enough others wait for requests, and this thread should leave.
  bool stays_idle() SLUICE_EXCLUDES(mutex_);
  void note_ended();
  bool begin_wait(WaitFor what) SLUICE_EXCLUDES(mutex_);
  void end_wait(WaitFor what) SLUICE_EXCLUDES(mutex_);
  [[nodiscard]] bool may_wait(WaitFor what) const SLUICE_REQUIRES(mutex_);
  std::size_t& waiting(WaitFor what) SLUICE_REQUIRES(mutex_);
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
