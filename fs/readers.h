#pragma once

#include <pthread.h>

#include <cstddef>
#include <set>

#include "sluice/mutex.h"
#include "sluice/result.h"
#include "sluice/unique_fd.h"
#include "wire.h"

namespace sluicefs {

/// The threads that take requests from the kernel and serve them. None ever waits for a sync, so a few
/// suffice; one is added when the last idle one gets work (a system call on the source may block), up to
/// kMaxReaders, and ends when more than kMaxIdle have nothing to do.
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

  static constexpr std::size_t kMaxReaders = 64;
  static constexpr std::size_t kMaxIdle = 4;

 private:
  static void* enter(void* self);
  void run();
  void got_request() SLUICE_EXCLUDES(mutex_);
  /// False when enough others wait for requests, and this thread should leave.
  bool stays_idle() SLUICE_EXCLUDES(mutex_);
  void note_ended();
  sluice::Result<void> add_reader() SLUICE_REQUIRES(mutex_);

  Session& session_;
  sluice::UniqueFd ended_;
  sluice::Mutex mutex_;
  sluice::CondVar one_left_;
  std::set<pthread_t> readers_ SLUICE_GUARDED_BY(mutex_);
  std::size_t idle_ SLUICE_GUARDED_BY(mutex_) = 0;
};

}  // namespace sluicefs
