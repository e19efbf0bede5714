#include "wire/readers.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>

#include "process/credentials.h"

namespace sluicefs {

using sluice::fail;
using sluice::MutexLock;
using sluice::Result;

namespace {

/// Interrupts read(2) of a reader that waits for a request; it has no other meaning.
int wake_signal() {
  return SIGRTMIN + 4;
}

void on_wake_signal(int) {}

void catch_wake_signal() {
  struct sigaction action {};
  action.sa_handler = on_wake_signal;  // Without SA_RESTART.
  ::sigaction(wake_signal(), &action, nullptr);
}

void unblock_wake_signal() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, wake_signal());
  ::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

}  // namespace

Result<void> Readers::start() {
  catch_wake_signal();
  ended_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!ended_.valid()) return sluice::fail_last();
  const MutexLock lock(mutex_);
  return add_reader();
}

void Readers::stop() {
  {
    // What they wait for is served by those that would leave.
    const MutexLock lock(mutex_);
    stopping_ = true;
    while (waiting_for_kernel_ > 0) changed_.wait(mutex_);
  }
  session_.end();
  const MutexLock lock(mutex_);
  while (!readers_.empty()) {
    // A thread can be between its look at the session and its read, so the signal is repeated until it has
    // left.
    for (const pthread_t reader : readers_) ::pthread_kill(reader, wake_signal());
    changed_.wait_until(mutex_, std::chrono::steady_clock::now() + std::chrono::milliseconds(10));
  }
}

Result<void> Readers::add_reader() {
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_t thread{};
  const int error = ::pthread_create(&thread, &attributes, enter, this);
  ::pthread_attr_destroy(&attributes);
  if (error != 0) return fail(error);
  readers_.insert(thread);
  ++idle_;
  return {};
}

void* Readers::enter(void* self) {
  static_cast<Readers*>(self)->run();
  return nullptr;
}

void Readers::run() {
  unblock_wake_signal();
  // Refused only where the system forbids unshare(2) altogether; then files get the daemon's umask, which is
  // 0.
  static_cast<void>(own_umask());
  static_cast<void>(leave_groups());
  fuse_buf buffer{};
  while (true) {
    if (!session_.receive(buffer)) {
      note_ended();
      break;
    }
    got_request();
    session_.process(buffer);
    if (!stays_idle()) break;
  }
  std::free(buffer.mem);
  // The last access to this object, which stop() may let go of right after.
  const MutexLock lock(mutex_);
  readers_.erase(::pthread_self());
  changed_.notify_all();
}

void Readers::got_request() {
  const MutexLock lock(mutex_);
  --idle_;
  busy_.note(readers_.size() - idle_);
  // When no thread can be added, requests wait for those that there are.
  if (idle_ == 0 && readers_.size() < kMaxReaders) static_cast<void>(add_reader());
}

bool Readers::stays_idle() {
  const MutexLock lock(mutex_);
  if (idle_ >= std::max(kMinIdle, busy_.peak())) return false;
  ++idle_;
  return true;
}

bool Readers::may_wait(WaitFor what) const {
  if (what == WaitFor::sync) return idle_ > 0 && waiting_for_sync_ < kMaxSyncWaits;
  return !stopping_ && waiting_for_kernel_ + waiting_for_sync_ + 1 < readers_.size();
}

std::size_t& Readers::waiting(WaitFor what) {
  return what == WaitFor::sync ? waiting_for_sync_ : waiting_for_kernel_;
}

bool Readers::begin_wait(WaitFor what) {
  const MutexLock lock(mutex_);
  if (!may_wait(what)) return false;
  ++waiting(what);
  return true;
}

void Readers::end_wait(WaitFor what) {
  const MutexLock lock(mutex_);
  --waiting(what);
  changed_.notify_all();
}

void Readers::note_ended() {
  const std::uint64_t one = 1;
  static_cast<void>(::write(ended_.get(), &one, sizeof one) == sizeof one);
}

}  // namespace sluicefs
