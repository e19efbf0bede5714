#include <aio.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <future>
#include <string>

#include "contract_fixture.h"
#include "eventually.h"
#include "mount_files.h"

// The companions of glibc's aio_fsync, and how it tells that a sync has ended, on a mounted directory.

namespace sluice::testing {
namespace {

constexpr timespec kAtOnce{.tv_sec = 0, .tv_nsec = 1'000'000};
constexpr timespec kPatience{.tv_sec = 20, .tv_nsec = 0};

class ContractNotice : public ContractTest {
 protected:
  void SetUp() override {
    ContractTest::SetUp();
    if (IsSkipped()) return;
    fd_ = open_dirty("f").get();
    hold();
  }
  /// A sync that waits for the device.
  aiocb& held_sync(sigevent notice = {
                       .sigev_value = {}, .sigev_signo = 0, .sigev_notify = SIGEV_NONE, ._sigev_un = {}}) {
    aiocb& sync = block(fd_);
    sync.aio_sigevent = notice;
    EXPECT_EQ(::aio_fsync(O_SYNC, &sync), 0);
    EXPECT_TRUE(holds(1));
    return sync;
  }
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_ = -1;
};

// ---- Companions ----

TEST_F(ContractNotice, Contract_L9_ErrorIsInProgressUntilTheEnd) {
  const aiocb& sync = held_sync();
  EXPECT_EQ(::aio_error(&sync), EINPROGRESS);
  release();
  EXPECT_EQ(outcome_of(sync), 0);
}

TEST_F(ContractNotice, Contract_L9_SuspendGivesUpWithEagain) {
  const std::array<const aiocb*, 1> list{&held_sync()};
  EXPECT_EQ(::aio_suspend(list.data(), 1, &kAtOnce), -1);
  EXPECT_EQ(errno, EAGAIN);
  release();
  EXPECT_EQ(::aio_suspend(list.data(), 1, &kPatience), 0);
}

TEST_F(ContractNotice, Contract_L9_SignalInterruptsSuspendWithEintr) {
  struct sigaction handler {};
  struct sigaction before {};
  handler.sa_handler = [](int) {};
  ASSERT_EQ(::sigaction(SIGUSR2, &handler, &before), 0);
  const aiocb& sync = held_sync();
  std::promise<pthread_t> waiter;
  std::future<int>& thread = start([&] {
    const std::array<const aiocb*, 1> list{&sync};
    waiter.set_value(::pthread_self());
    return error_of(::aio_suspend(list.data(), 1, nullptr));
  });
  const pthread_t id = waiter.get_future().get();
  EXPECT_TRUE(eventually([&] { return ::pthread_kill(id, SIGUSR2) != 0 || has_ended(thread); }));
  ::sigaction(SIGUSR2, &before, nullptr);
  EXPECT_EQ(result_of(thread), EINTR);
  EXPECT_EQ(::aio_error(&sync), EINPROGRESS);
}

TEST_F(ContractNotice, Contract_L9_SyncThatRunsIsNotCancelled) {
  aiocb& sync = held_sync();
  EXPECT_EQ(::aio_cancel(fd(), &sync), AIO_NOTCANCELED);
  release();
  EXPECT_EQ(outcome_of(sync), 0);
  EXPECT_EQ(::aio_cancel(fd(), &sync), AIO_ALLDONE);
}

TEST_F(ContractNotice, Contract_L9_SyncThatWaitsForItsTurnIsCancelled) {
  held_sync();
  aiocb& waiting = block(fd());
  ASSERT_EQ(::aio_fsync(O_SYNC, &waiting), 0);
  EXPECT_EQ(::aio_cancel(fd(), &waiting), AIO_CANCELED);
}

TEST_F(ContractNotice, Contract_B7_CancelledSyncIsEcanceledAndReachesNobody) {
  held_sync();
  aiocb& waiting = block(fd());
  ASSERT_EQ(::aio_fsync(O_SYNC, &waiting), 0);
  ASSERT_EQ(::aio_cancel(fd(), &waiting), AIO_CANCELED);
  EXPECT_EQ(::aio_error(&waiting), ECANCELED);
  EXPECT_EQ(::aio_return(&waiting), -1);
  EXPECT_EQ(reached(), 1U);
}

TEST_F(ContractNotice, Contract_L9_ReadGetsWhatWriteWrote) {
  release();
  std::string out = "written";
  std::string in(out.size(), '.');
  aiocb& write = block(fd());
  write.aio_buf = out.data();
  write.aio_nbytes = out.size();
  ASSERT_EQ(::aio_write(&write), 0);
  ASSERT_EQ(outcome_of(write), 0);
  EXPECT_EQ(::aio_return(&write), static_cast<ssize_t>(out.size()));
  aiocb& read = block(fd());
  read.aio_buf = in.data();
  read.aio_nbytes = in.size();
  ASSERT_EQ(::aio_read(&read), 0);
  ASSERT_EQ(outcome_of(read), 0);
  EXPECT_EQ(in, out);
}

TEST_F(ContractNotice, Contract_L9_ListOfWritesIsCoveredByTheNextSync) {
  std::string text = "ab";
  std::array<aiocb*, 2> list{&block(fd()), &block(fd())};
  for (std::size_t i = 0; i < list.size(); ++i) {
    list[i]->aio_lio_opcode = LIO_WRITE;
    list[i]->aio_buf = &text[i];
    list[i]->aio_nbytes = 1;
    list[i]->aio_offset = static_cast<off_t>(i);
  }
  ASSERT_EQ(::lio_listio(LIO_NOWAIT, list.data(), 2, nullptr), 0);
  held_sync();
  EXPECT_EQ(content(source("f")), text);
}

// ---- Notices ----

/// Blocks SIGUSR1 in all threads that come to be while it lives, and takes it.
class AwaitedSignal {
 public:
  AwaitedSignal() {
    ::sigemptyset(&set_);
    ::sigaddset(&set_, SIGUSR1);
    ::pthread_sigmask(SIG_BLOCK, &set_, &before_);
  }
  ~AwaitedSignal() {
    while (came(timespec{})) continue;
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  AwaitedSignal(const AwaitedSignal&) = delete;
  AwaitedSignal& operator=(const AwaitedSignal&) = delete;

  bool came(const timespec& within) { return ::sigtimedwait(&set_, &info_, &within) == SIGUSR1; }
  [[nodiscard]] const siginfo_t& info() const { return info_; }

 private:
  sigset_t set_{};
  sigset_t before_{};
  siginfo_t info_{};
};

class ContractSignal : public ContractNotice {
 protected:
  static sigevent signal_with(int value) {
    sigevent notice{};
    notice.sigev_notify = SIGEV_SIGNAL;
    notice.sigev_signo = SIGUSR1;
    notice.sigev_value.sival_int = value;
    return notice;
  }
  AwaitedSignal& signal() { return signal_; }

 private:
  /// Made before the mount's threads and glibc's.
  AwaitedSignal signal_;
};

TEST_F(ContractSignal, Contract_B8_SignalCarriesItsValue) {
  held_sync(signal_with(4711));
  release();
  ASSERT_TRUE(signal().came(kPatience));
  EXPECT_EQ(signal().info().si_code, SI_ASYNCIO);
  EXPECT_EQ(signal().info().si_value.sival_int, 4711);
}

TEST_F(ContractSignal, Contract_S3_SignalComesWhenTheSyncHasEnded) {
  const aiocb& sync = held_sync(signal_with(1));
  EXPECT_FALSE(signal().came(kAtOnce));
  release();
  ASSERT_TRUE(signal().came(kPatience));
  EXPECT_EQ(::aio_error(&sync), 0);
}

TEST_F(ContractSignal, Contract_B8_NoNoticeIsGivenWhereNoneIsAskedFor) {
  const aiocb& sync = held_sync();
  release();
  EXPECT_EQ(outcome_of(sync), 0);
  EXPECT_FALSE(signal().came(kAtOnce));
}

TEST_F(ContractNotice, Contract_B8_FunctionIsCalledInAThreadOfItsOwn) {
  std::promise<int> called;
  sigevent notice{};
  notice.sigev_notify = SIGEV_THREAD;
  notice.sigev_value.sival_ptr = &called;
  notice.sigev_notify_function = [](sigval value) {
    static_cast<std::promise<int>*>(value.sival_ptr)->set_value(0);
  };
  held_sync(notice);
  std::future<int> call = called.get_future();
  EXPECT_FALSE(has_ended(call));
  release();
  EXPECT_EQ(result_of(call), 0);
}

/// glibc asks nobody whether it knows the method.
TEST_F(ContractNotice, Contract_B5_UnknownMethodOfNoticeIsTakenAsNone) {
  sigevent notice{};
  notice.sigev_notify = 77;
  const aiocb& sync = held_sync(notice);
  release();
  EXPECT_EQ(outcome_of(sync), 0);
}

}  // namespace
}  // namespace sluice::testing
