#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <aio.h>
#include <cerrno>
#include <set>

#include "posix_harness.h"

// Reads, writes, and what one learns of a request afterwards.

namespace sluice::testing {
namespace {

TEST(PosixTransfer, WriteIsReadBack) {
  const TempFiles files;
  const std::string text = "durable";
  Block write(write_block(files.fd(), text, 5));
  ASSERT_EQ(sluice_aio_write(&write), 0);
  EXPECT_EQ(status_when_done(write), 0);
  EXPECT_EQ(sluice_aio_return(&write), 7);
  std::string back(20, '.');
  Block read(read_block(files.fd(), back, 5));
  ASSERT_EQ(sluice_aio_read(&read), 0);
  EXPECT_EQ(status_when_done(read), 0);
  EXPECT_EQ(sluice_aio_return(&read), 7);
  EXPECT_EQ(back.substr(0, 7), text);
}

TEST(PosixTransfer, Contract_S6_OffsetsBeyondFourGigabytesAreKept) {
  const TempFiles files;
  const off_t far = (off_t{1} << 32) + 3;
  const std::string text = "x";
  Block write(write_block(files.fd(), text, far));
  ASSERT_EQ(sluice_aio_write(&write), 0);
  ASSERT_EQ(status_when_done(write), 0);
  EXPECT_EQ(::lseek(files.fd(), 0, SEEK_END), far + 1);
}

TEST(PosixTransfer, Contract_B6_BadDescriptorIsSaidLater) {
  const TempFiles files;
  const UniqueFd reader(::open(files.path().c_str(), O_RDONLY | O_CLOEXEC));
  const std::string text = "x";
  for (const int fd : {-1, reader.get()}) {
    Block write(write_block(fd, text));
    ASSERT_EQ(sluice_aio_write(&write), 0);
    EXPECT_EQ(status_when_done(write), EBADF);
    EXPECT_EQ(errno_of(sluice_aio_return(&write)), EBADF);
  }
}

TEST(PosixTransfer, Contract_B6_NegativeOffsetIsSaidLater) {
  const TempFiles files;
  const std::string text = "x";
  Block write(write_block(files.fd(), text, -1));
  ASSERT_EQ(sluice_aio_write(&write), 0);
  EXPECT_EQ(status_when_done(write), EINVAL);
}

TEST(PosixTransfer, Contract_B5_SocketCannotBeReadAt) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd one(ends[0]);
  const UniqueFd other(ends[1]);
  std::string into(4, '.');
  Block read(read_block(one.get(), into));
  ASSERT_EQ(sluice_aio_read(&read), 0);
  EXPECT_EQ(status_when_done(read), ESPIPE);
}

TEST(PosixTransfer, Contract_B7_BufferThatCannotBeReadIsTheWritesError) {
  const TempFiles files;
  Block write(sync_block(files.fd()));
  write.aio_buf = reinterpret_cast<void*>(16);
  write.aio_nbytes = 8;
  ASSERT_EQ(sluice_aio_write(&write), 0);
  EXPECT_EQ(status_when_done(write), EFAULT);
}

TEST(PosixTransfer, PriorityOutOfRangeIsEinval) {
  const TempFiles files;
  const std::string text = "x";
  for (const int reqprio : {-1, 21}) {
    Block write(write_block(files.fd(), text));
    write.aio_reqprio = reqprio;
    EXPECT_EQ(errno_of(sluice_aio_write(&write)), EINVAL) << reqprio;
  }
}

TEST(PosixStatus, Contract_L9_ResultIsTakenOnce) {
  const TempFiles files;
  Block block(sync_block(files.fd()));
  ASSERT_EQ(sluice_aio_fsync(O_SYNC, &block), 0);
  ASSERT_EQ(status_when_done(block), 0);
  EXPECT_EQ(sluice_aio_return(&block), 0);
  EXPECT_EQ(errno_of(sluice_aio_return(&block)), EINVAL);
  EXPECT_EQ(sluice_aio_error(&block), EINVAL);
}

TEST(PosixStatus, ResultOfABlockThatWasNeverQueuedIsEinval) {
  Block block;
  EXPECT_EQ(errno_of(sluice_aio_return(&block)), EINVAL);
}

TEST(PosixStatus, BlockCanBeQueuedAgainWhenItIsDone) {
  const TempFiles files;
  Block block(sync_block(files.fd()));
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(sluice_aio_fsync(O_DSYNC, &block), 0);
    ASSERT_EQ(status_when_done(block), 0);
  }
  EXPECT_EQ(sluice_aio_return(&block), 0);
}

TEST(PosixSuspend, NothingToWaitForReturnsAtOnce) {
  const sluice_aiocb* const none[] = {nullptr, nullptr};
  EXPECT_EQ(sluice_aio_suspend(none, 2, nullptr), 0);
  EXPECT_EQ(sluice_aio_suspend(none, 0, nullptr), 0);
}

TEST(PosixSuspend, BadCountOrTimeoutIsEinval) {
  const sluice_aiocb* const none[] = {nullptr};
  EXPECT_EQ(errno_of(sluice_aio_suspend(none, -1, nullptr)), EINVAL);
  const timespec wrong{.tv_sec = 0, .tv_nsec = 2'000'000'000};
  EXPECT_EQ(errno_of(sluice_aio_suspend(none, 1, &wrong)), EINVAL);
}

TEST(PosixCancel, Contract_L9_WhatIsDoneIsAllDone) {
  const TempFiles files;
  Block block(sync_block(files.fd()));
  ASSERT_EQ(sluice_aio_fsync(O_SYNC, &block), 0);
  ASSERT_EQ(status_when_done(block), 0);
  EXPECT_EQ(sluice_aio_cancel(files.fd(), &block), AIO_ALLDONE);
  EXPECT_EQ(sluice_aio_cancel(files.fd(), nullptr), AIO_ALLDONE);
}

TEST(PosixCancel, Contract_L9_ClosedDescriptorIsEbadf) {
  EXPECT_EQ(errno_of(sluice_aio_cancel(-1, nullptr)), EBADF);
}

TEST(PosixCancel, BlockOfAnotherDescriptorIsEinval) {
  const TempFiles files(2);
  Block block(sync_block(files.fd(1)));
  EXPECT_EQ(errno_of(sluice_aio_cancel(files.fd(0), &block)), EINVAL);
}

// In a child of its own, so that no block of another test is handed out.

TEST(PosixWaitcomplete, Contract_B8_HandsOutEveryBlockOnceWithItsResult) {
  in_child([] {
    const TempFiles files;
    const std::string text = "abc";
    Block write(write_block(files.fd(), text));
    Block sync(sync_block(files.fd()));
    ASSERT_EQ(sluice_aio_write(&write), 0);
    ASSERT_EQ(sluice_aio_fsync(O_SYNC, &sync), 0);
    std::set<const sluice_aiocb*> seen;
    for (int i = 0; i < 2; ++i) {
      sluice_aiocb* block = nullptr;
      const timespec patience{.tv_sec = 10, .tv_nsec = 0};
      const ssize_t result = sluice_aio_waitcomplete(&block, &patience);
      EXPECT_EQ(result, block == &write ? 3 : 0);
      EXPECT_TRUE(seen.insert(block).second);
    }
    EXPECT_EQ(seen, (std::set<const sluice_aiocb*>{&write, &sync}));
    EXPECT_EQ(errno_of(sluice_aio_return(&write)), EINVAL);
  });
}

TEST(PosixWaitcomplete, Contract_B8_GivesTheErrorOfWhatFailed) {
  in_child([] {
    const std::string text = "abc";
    Block write(write_block(-1, text));
    ASSERT_EQ(sluice_aio_write(&write), 0);
    sluice_aiocb* block = nullptr;
    EXPECT_EQ(errno_of(sluice_aio_waitcomplete(&block, nullptr)), EBADF);
    EXPECT_EQ(block, &write);
  });
}

TEST(PosixWaitcomplete, Contract_B8_NothingDoneIsEagainAtTheTimeout) {
  in_child([] {
    for (const long nanoseconds : {0L, 1'000'000L}) {
      sluice_aiocb* block = reinterpret_cast<sluice_aiocb*>(1);
      const timespec timeout{.tv_sec = 0, .tv_nsec = nanoseconds};
      EXPECT_EQ(errno_of(sluice_aio_waitcomplete(&block, &timeout)), EAGAIN);
      EXPECT_EQ(block, nullptr);
    }
  });
}

TEST(PosixWaitcomplete, WhatWasTakenByReturnIsNotHandedOut) {
  in_child([] {
    const TempFiles files;
    Block sync(sync_block(files.fd()));
    ASSERT_EQ(sluice_aio_fsync(O_SYNC, &sync), 0);
    ASSERT_EQ(status_when_done(sync), 0);
    ASSERT_EQ(sluice_aio_return(&sync), 0);
    sluice_aiocb* block = nullptr;
    const timespec now{};
    EXPECT_EQ(errno_of(sluice_aio_waitcomplete(&block, &now)), EAGAIN);
  });
}

}  // namespace
}  // namespace sluice::testing
