#include <aio.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <future>

#include "posix_harness.h"
#include "slow_buffer.h"

// sluice_aio_fsync() and what it refuses.

namespace sluice::testing {
namespace {

/// Both ends of a pipe, a socket or a terminal.
using Ends = std::array<UniqueFd, 2>;

Ends make_pipe() {
  std::array<int, 2> fds{};
  EXPECT_EQ(::pipe2(fds.data(), O_CLOEXEC), 0);
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

Ends make_socket() {
  std::array<int, 2> fds{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()), 0);
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

int sync_error(int fd, int op = O_SYNC) {
  Block block(sync_block(fd));
  return errno_of(sluice_aio_fsync(op, &block));
}

TEST(PosixFsync, Contract_L1_SyncAndDataSyncBothSucceed) {
  const TempFiles files;
  for (const int op : {O_SYNC, O_DSYNC}) {
    write_bytes(files.fd(), 100);
    Block block(sync_block(files.fd()));
    ASSERT_EQ(sluice_aio_fsync(op, &block), 0);
    EXPECT_EQ(status_when_done(block), 0);
    EXPECT_EQ(sluice_aio_return(&block), 0);
  }
}

TEST(PosixFsync, Contract_L4_QueuedIsZeroAndRefusedIsMinusOneAndErrno) {
  const TempFiles files;
  Block block(sync_block(files.fd()));
  EXPECT_EQ(sluice_aio_fsync(O_SYNC, &block), 0);
  EXPECT_EQ(status_when_done(block), 0);
  Block refused(sync_block(-1));
  errno = 0;
  EXPECT_EQ(sluice_aio_fsync(O_SYNC, &refused), -1);
  EXPECT_EQ(errno, EBADF);
}

TEST(PosixFsync, Contract_L3_OtherFieldsAreIgnored) {
  const TempFiles files;
  Block block(sync_block(files.fd()));
  block.aio_buf = reinterpret_cast<void*>(1);
  block.aio_nbytes = SIZE_MAX;
  block.aio_offset = -1;
  block.aio_lio_opcode = 77;
  block.aio_reqprio = INT_MIN;
  ASSERT_EQ(sluice_aio_fsync(O_SYNC, &block), 0);
  EXPECT_EQ(status_when_done(block), 0);
}

TEST(PosixFsync, Contract_L6_ReadOnlyDescriptorIsEbadf) {
  const TempFiles files;
  const UniqueFd reader(::open(files.path().c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(sync_error(reader.get()), EBADF);
}

TEST(PosixFsync, Contract_L6_ClosedDescriptorIsEbadf) {
  EXPECT_EQ(sync_error(-1), EBADF);
  UniqueFd closed(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  const int number = closed.get();
  closed.reset();
  EXPECT_EQ(sync_error(number), EBADF);
}

TEST(PosixFsync, Contract_L6_DirectoryCannotBeOpenForWritingAndIsEbadf) {
  const UniqueFd directory(::open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  EXPECT_EQ(sync_error(directory.get()), EBADF);
}

TEST(PosixFsync, Contract_L6_PathDescriptorIsEbadf) {
  const TempFiles files;
  const UniqueFd path(::open(files.path().c_str(), O_PATH | O_CLOEXEC));
  EXPECT_EQ(sync_error(path.get()), EBADF);
}

TEST(PosixFsync, Contract_L7_PipeIsEinval) {
  EXPECT_EQ(sync_error(make_pipe()[1].get()), EINVAL);
}

TEST(PosixFsync, Contract_L7_SocketIsEinval) {
  EXPECT_EQ(sync_error(make_socket()[0].get()), EINVAL);
}

TEST(PosixFsync, Contract_L7_TerminalIsEinval) {
  const UniqueFd terminal(::open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!terminal.valid()) GTEST_SKIP() << "no terminal is to be had here";
  EXPECT_EQ(sync_error(terminal.get()), EINVAL);
}

TEST(PosixFsync, Contract_L7_OtherOperationIsEinval) {
  const TempFiles files;
  for (const int op : {0, O_RDWR, O_APPEND, -1}) EXPECT_EQ(sync_error(files.fd(), op), EINVAL) << op;
}

TEST(PosixFsync, Contract_S5_NoBlockIsEinval) {
  EXPECT_EQ(errno_of(sluice_aio_fsync(O_SYNC, nullptr)), EINVAL);
  EXPECT_EQ(errno_of(sluice_aio_read(nullptr)), EINVAL);
  EXPECT_EQ(errno_of(sluice_aio_write(nullptr)), EINVAL);
}

TEST(PosixFsync, Contract_F4_UnreadableBlockIsEfault) {
  auto* nowhere = reinterpret_cast<sluice_aiocb*>(16);
  EXPECT_EQ(errno_of(sluice_aio_fsync(O_SYNC, nowhere)), EFAULT);
  EXPECT_EQ(errno_of(sluice_aio_read(nowhere)), EFAULT);
  EXPECT_EQ(errno_of(sluice_aio_write(nowhere)), EFAULT);
}

TEST(PosixFsync, Contract_F4_BlockThatEndsInUnreadableMemoryIsEfault) {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* memory = ::mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  auto* second = static_cast<std::byte*>(memory) + page;
  ASSERT_EQ(::mprotect(second, page, PROT_NONE), 0);
  auto* block = reinterpret_cast<sluice_aiocb*>(second - sizeof(sluice_aiocb) + 8);
  EXPECT_EQ(errno_of(sluice_aio_fsync(O_SYNC, block)), EFAULT);
  ::munmap(memory, 2 * page);
}

TEST(PosixFsync, Contract_B5_UnknownNotificationIsEinvalAndNothingIsQueued) {
  const TempFiles files;
  Block block(sync_block(files.fd()));
  block.aio_sigevent.sigev_notify = 99;
  EXPECT_EQ(errno_of(sluice_aio_fsync(O_SYNC, &block)), EINVAL);
  EXPECT_EQ(errno_of(sluice_aio_return(&block)), EINVAL);
}

TEST(PosixFsync, Contract_B5_UnknownSignalIsEinval) {
  const TempFiles files;
  for (const int signal : {-1, SIGRTMAX + 1}) {
    Block block(sync_block(files.fd()));
    block.aio_sigevent.sigev_notify = SIGEV_SIGNAL;
    block.aio_sigevent.sigev_signo = signal;
    EXPECT_EQ(errno_of(sluice_aio_fsync(O_SYNC, &block)), EINVAL) << signal;
  }
}

TEST(PosixFsync, Contract_B5_NoFunctionToCallIsEinval) {
  const TempFiles files;
  Block block(sync_block(files.fd()));
  block.aio_sigevent.sigev_notify = SIGEV_THREAD;
  EXPECT_EQ(errno_of(sluice_aio_fsync(O_SYNC, &block)), EINVAL);
}

TEST(PosixFsync, Contract_B4_BlockThatWasOnlyZeroedNotifiesNobody) {
  const TempFiles files;
  Block block;  // SIGEV_SIGNAL with signal 0.
  block.aio_fildes = files.fd();
  ASSERT_EQ(sluice_aio_fsync(O_SYNC, &block), 0);
  EXPECT_EQ(status_when_done(block), 0);
}

TEST(PosixFsync, DescriptorMayBeClosedAtOnce) {
  const TempFiles files;
  for (int i = 0; i < 100; ++i) {
    UniqueFd writer(::open(files.path().c_str(), O_WRONLY | O_CLOEXEC));
    Block block(sync_block(writer.get()));
    ASSERT_EQ(sluice_aio_fsync(O_DSYNC, &block), 0);
    writer.reset();
    EXPECT_EQ(status_when_done(block), 0);
    EXPECT_EQ(sluice_aio_return(&block), 0);
  }
}

/// A write that stays under way.
class PosixSlowWrite : public ::testing::Test {
 protected:
  void SetUp() override {
    auto slow = SlowBuffer::create();
    if (!slow) GTEST_SKIP() << "userfaultfd is not to be had here: " << slow.error().message();
    slow_ = std::move(*slow);
    write_ = sync_block(files_.fd());
    write_.aio_buf = const_cast<std::byte*>(slow_->bytes().data());
    write_.aio_nbytes = slow_->bytes().size();
    ASSERT_EQ(sluice_aio_write(&write_), 0);
    ASSERT_TRUE(slow_->wait_until_wanted());
  }
  void TearDown() override {
    if (!slow_) return;
    slow_->arrive();
    status_when_done(write_);
    sluice_aio_return(&write_);
  }

  TempFiles files_;
  std::unique_ptr<SlowBuffer> slow_;
  sluice_aiocb write_{};
};

TEST_F(PosixSlowWrite, Contract_L2_CallReturnsWhileWhatItCoversIsUnderWay) {
  Block sync(sync_block(files_.fd()));
  ASSERT_EQ(sluice_aio_fsync(O_SYNC, &sync), 0);
  EXPECT_EQ(sluice_aio_error(&write_), EINPROGRESS);
  EXPECT_EQ(sluice_aio_error(&sync), EINPROGRESS);
  slow_->arrive();
  EXPECT_EQ(status_when_done(sync), 0);
  EXPECT_EQ(sluice_aio_error(&write_), 0);
}

TEST_F(PosixSlowWrite, Contract_P7_BlockInUseIsEbusyAndItsOperationIsUnharmed) {
  EXPECT_EQ(errno_of(sluice_aio_fsync(O_SYNC, &write_)), EBUSY);
  EXPECT_EQ(errno_of(sluice_aio_write(&write_)), EBUSY);
  EXPECT_EQ(sluice_aio_error(&write_), EINPROGRESS);
  slow_->arrive();
  EXPECT_EQ(status_when_done(write_), 0);
  EXPECT_EQ(sluice_aio_return(&write_), static_cast<ssize_t>(slow_->bytes().size()));
}

TEST_F(PosixSlowWrite, Contract_L9_ResultOfWhatIsUnderWayIsEinval) {
  EXPECT_EQ(errno_of(sluice_aio_return(&write_)), EINVAL);
}

TEST_F(PosixSlowWrite, Contract_L9_SuspendTimesOutWithEagain) {
  const sluice_aiocb* const blocks[] = {nullptr, &write_};
  const timespec moment{.tv_sec = 0, .tv_nsec = 1'000'000};
  EXPECT_EQ(errno_of(sluice_aio_suspend(blocks, 2, &moment)), EAGAIN);
}

TEST_F(PosixSlowWrite, Contract_L9_WhatRunsIsNotCancelled) {
  EXPECT_EQ(sluice_aio_cancel(files_.fd(), &write_), AIO_NOTCANCELED);
  EXPECT_EQ(sluice_aio_error(&write_), EINPROGRESS);
}

TEST_F(PosixSlowWrite, Contract_L9_SyncThatWaitsIsCancelled) {
  Block sync(sync_block(files_.fd()));
  ASSERT_EQ(sluice_aio_fsync(O_SYNC, &sync), 0);
  EXPECT_EQ(sluice_aio_cancel(files_.fd(), &sync), AIO_CANCELED);
  EXPECT_EQ(sluice_aio_error(&sync), ECANCELED);
  EXPECT_EQ(errno_of(sluice_aio_return(&sync)), ECANCELED);
}

TEST_F(PosixSlowWrite, Contract_L9_CancellingTheDescriptorTakesWhatWaits) {
  Block sync(sync_block(files_.fd()));
  ASSERT_EQ(sluice_aio_fsync(O_SYNC, &sync), 0);
  EXPECT_EQ(sluice_aio_cancel(files_.fd(), nullptr), AIO_NOTCANCELED);
  EXPECT_EQ(sluice_aio_error(&sync), ECANCELED);
  EXPECT_EQ(sluice_aio_error(&write_), EINPROGRESS);
}

TEST_F(PosixSlowWrite, Contract_L9_SuspendIsInterruptedByASignalHandler) {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  struct sigaction before {};
  ASSERT_EQ(::sigaction(SIGALRM, &action, &before), 0);
  timer_t timer{};
  sigevent alarm{};
  alarm.sigev_notify = SIGEV_THREAD_ID;
  alarm.sigev_signo = SIGALRM;
  alarm._sigev_un._tid = ::gettid();
  ASSERT_EQ(::timer_create(CLOCK_MONOTONIC, &alarm, &timer), 0);
  // Again and again, so that one comes while it waits.
  const itimerspec often{.it_interval = {.tv_sec = 0, .tv_nsec = 5'000'000},
                         .it_value = {.tv_sec = 0, .tv_nsec = 5'000'000}};
  ASSERT_EQ(::timer_settime(timer, 0, &often, nullptr), 0);
  const sluice_aiocb* const blocks[] = {&write_};
  EXPECT_EQ(errno_of(sluice_aio_suspend(blocks, 1, nullptr)), EINTR);
  ::timer_delete(timer);
  ::sigaction(SIGALRM, &before, nullptr);
}

TEST_F(PosixSlowWrite, Contract_S2_StatusIsInProgressThenTheOutcome) {
  Block sync(sync_block(files_.fd()));
  ASSERT_EQ(sluice_aio_fsync(O_DSYNC, &sync), 0);
  EXPECT_EQ(sluice_aio_error(&sync), EINPROGRESS);
  slow_->arrive();
  EXPECT_EQ(status_when_done(sync), 0);
}

TEST_F(PosixSlowWrite, Contract_S3_NotificationComesWhenAllThatIsCoveredHasEnded) {
  struct Seen {
    const sluice_aiocb* write;
    std::promise<int> status_of_write;
  } seen{&write_, {}};
  auto status_of_write = seen.status_of_write.get_future();
  Block sync(sync_block(files_.fd()));
  sync.aio_sigevent.sigev_notify = SIGEV_THREAD;
  sync.aio_sigevent.sigev_value.sival_ptr = &seen;
  sync.aio_sigevent.sigev_notify_function = [](sigval value) {
    auto* told = static_cast<Seen*>(value.sival_ptr);
    told->status_of_write.set_value(sluice_aio_error(told->write));
  };
  ASSERT_EQ(sluice_aio_fsync(O_SYNC, &sync), 0);
  slow_->arrive();
  ASSERT_EQ(status_of_write.wait_for(std::chrono::seconds(10)), std::future_status::ready);
  EXPECT_EQ(status_of_write.get(), 0);
}

TEST_F(PosixSlowWrite, Contract_E5_ReadOfAnotherFileIsServedMeanwhile) {
  Block sync(sync_block(files_.fd()));
  ASSERT_EQ(sluice_aio_fsync(O_SYNC, &sync), 0);
  const TempFiles others;
  std::string text(1, '.');
  // Not a write: the kernel's workers line up writes of files whose inodes have one of 64 hashes.
  Block later(read_block(others.fd(), text));
  ASSERT_EQ(sluice_aio_read(&later), 0);
  EXPECT_EQ(status_when_done(later), 0);
  EXPECT_EQ(sluice_aio_error(&sync), EINPROGRESS);
  slow_->arrive();
}

// Both append, so that the second waits for the first and fails while the sync is queued.
TEST(PosixFailedWrite, Contract_S4_FailsTheSyncThatCoversItAndNotTheNext) {
  const TempFiles files;  // Outlives the buffer: to remove it waits for the write.
  const auto slow = SlowBuffer::create();
  if (!slow) GTEST_SKIP() << "userfaultfd is not to be had here: " << slow.error().message();
  const UniqueFd appending(::open(files.path().c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  Block first(sync_block(appending.get()));
  first.aio_buf = const_cast<std::byte*>((*slow)->bytes().data());
  first.aio_nbytes = 1;
  Block bad(sync_block(appending.get()));
  bad.aio_buf = reinterpret_cast<void*>(16);
  bad.aio_nbytes = 8;
  Block sync(sync_block(appending.get()));
  ASSERT_EQ(sluice_aio_write(&first), 0);
  ASSERT_EQ(sluice_aio_write(&bad), 0);
  ASSERT_EQ(sluice_aio_fsync(O_SYNC, &sync), 0);
  (*slow)->arrive();
  EXPECT_EQ(status_when_done(sync), EFAULT);
  EXPECT_EQ(sluice_aio_error(&bad), EFAULT);
  EXPECT_EQ(sluice_aio_error(&first), 0);
  Block next(sync_block(appending.get()));
  ASSERT_EQ(sluice_aio_fsync(O_SYNC, &next), 0);
  EXPECT_EQ(status_when_done(next), 0);
}

}  // namespace
}  // namespace sluice::testing
