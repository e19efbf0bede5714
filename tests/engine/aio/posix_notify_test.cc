#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <future>
#include <thread>

#include "posix_harness.h"

// How a program is told that a request is done.

namespace sluice::testing {
namespace {

/// A signal that is blocked in this thread, and so waits to be asked for.
class BlockedSignal {
 public:
  explicit BlockedSignal(int number) {
    sigemptyset(&set_);
    sigaddset(&set_, number);
    pthread_sigmask(SIG_BLOCK, &set_, &before_);
  }
  ~BlockedSignal() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockedSignal(const BlockedSignal&) = delete;
  BlockedSignal& operator=(const BlockedSignal&) = delete;

  /// False when none came for 10 s.
  bool wait(siginfo_t& info) const {
    const timespec patience{.tv_sec = 10, .tv_nsec = 0};
    return ::sigtimedwait(&set_, &info, &patience) > 0;
  }

 private:
  sigset_t set_{};
  sigset_t before_{};
};

sluice_aiocb notifying(int fd, const sigevent& event) {
  sluice_aiocb block = sync_block(fd);
  block.aio_sigevent = event;
  return block;
}

TEST(PosixNotify, Contract_B8_SignalComesWithItsValueWhenTheRequestIsDone) {
  const TempFiles files;
  const BlockedSignal signal(SIGRTMIN + 3);
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGRTMIN + 3;
  event.sigev_value.sival_int = 4711;
  Block block(notifying(files.fd(), event));
  ASSERT_EQ(sluice_aio_fsync(O_SYNC, &block), 0);
  siginfo_t info{};
  ASSERT_TRUE(signal.wait(info));
  EXPECT_EQ(info.si_code, SI_ASYNCIO);
  EXPECT_EQ(info.si_value.sival_int, 4711);
  EXPECT_EQ(info.si_pid, ::getpid());
  EXPECT_EQ(sluice_aio_error(&block), 0);
}

TEST(PosixNotify, SignalComesToTheThreadThatWasNamed) {
  const TempFiles files;
  const BlockedSignal signal(SIGRTMIN + 4);
  std::promise<pid_t> named;
  std::promise<bool> came;
  std::thread thread([&] {
    named.set_value(::gettid());
    siginfo_t info{};
    came.set_value(signal.wait(info));
  });
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = SIGRTMIN + 4;
  event._sigev_un._tid = named.get_future().get();
  Block block(notifying(files.fd(), event));
  EXPECT_EQ(sluice_aio_fsync(O_SYNC, &block), 0);
  EXPECT_TRUE(came.get_future().get());
  thread.join();
  EXPECT_EQ(status_when_done(block), 0);
}

struct ThreadSeen {
  sluice_aiocb* block;
  std::promise<void> called;
  int status = -1;
  bool detached = false;
  bool signals_blocked = true;
  std::size_t stack_bytes = 0;
};

void look_around(sigval value) {
  auto* seen = static_cast<ThreadSeen*>(value.sival_ptr);
  seen->status = sluice_aio_error(seen->block);
  pthread_attr_t attributes;
  if (::pthread_getattr_np(::pthread_self(), &attributes) == 0) {
    int state = -1;
    ::pthread_attr_getdetachstate(&attributes, &state);
    seen->detached = state == PTHREAD_CREATE_DETACHED;
    ::pthread_attr_getstacksize(&attributes, &seen->stack_bytes);
    ::pthread_attr_destroy(&attributes);
  }
  sigset_t mask;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  seen->signals_blocked = sigismember(&mask, SIGTERM) != 0;
  seen->called.set_value();
}

sigevent thread_event(ThreadSeen& seen) {
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD;
  event.sigev_notify_function = look_around;
  event.sigev_value.sival_ptr = &seen;
  return event;
}

TEST(PosixNotify, Contract_B8_FunctionIsCalledInADetachedThreadWithoutBlockedSignals) {
  const TempFiles files;
  ThreadSeen seen{};
  Block block(notifying(files.fd(), thread_event(seen)));
  seen.block = &block;
  ASSERT_EQ(sluice_aio_fsync(O_SYNC, &block), 0);
  ASSERT_EQ(seen.called.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
  EXPECT_EQ(seen.status, 0);
  EXPECT_TRUE(seen.detached);
  EXPECT_FALSE(seen.signals_blocked);
}

TEST(PosixNotify, ThreadHasTheAttributesThatWereGiven) {
  const TempFiles files;
  constexpr std::size_t kStack = 1 << 20;
  pthread_attr_t attributes;
  ASSERT_EQ(::pthread_attr_init(&attributes), 0);
  ASSERT_EQ(::pthread_attr_setstacksize(&attributes, kStack), 0);
  ThreadSeen seen{};
  sigevent event = thread_event(seen);
  event.sigev_notify_attributes = &attributes;
  Block block(notifying(files.fd(), event));
  seen.block = &block;
  ASSERT_EQ(sluice_aio_fsync(O_SYNC, &block), 0);
  ASSERT_EQ(seen.called.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
  EXPECT_EQ(seen.stack_bytes, kStack);
  ::pthread_attr_destroy(&attributes);
}

TEST(PosixNotify, FailedRequestNotifiesToo) {
  const BlockedSignal signal(SIGRTMIN + 5);
  sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGRTMIN + 5;
  Block block(notifying(-1, event));
  ASSERT_EQ(sluice_aio_write(&block), 0);
  siginfo_t info{};
  ASSERT_TRUE(signal.wait(info));
  EXPECT_EQ(sluice_aio_error(&block), EBADF);
}

}  // namespace
}  // namespace sluice::testing
