#include <aio.h>
#include <gtest/gtest.h>
#include <semaphore.h>

#include <array>
#include <cerrno>

#include "posix_harness.h"

// sluice_lio_listio().

namespace sluice::testing {
namespace {

sluice_aiocb listed(sluice_aiocb block, int opcode) {
  block.aio_lio_opcode = opcode;
  return block;
}

TEST(PosixList, WaitReturnsWhenAllAreDone) {
  const TempFiles files(2);
  const std::string text = "abcd";
  Block first(listed(write_block(files.fd(0), text), LIO_WRITE));
  Block second(listed(write_block(files.fd(1), text), LIO_WRITE));
  Block nothing(listed(sync_block(-1), LIO_NOP));
  const std::array<sluice_aiocb*, 4> blocks = {&first, nullptr, &nothing, &second};
  ASSERT_EQ(sluice_lio_listio(LIO_WAIT, blocks.data(), 4, nullptr), 0);
  EXPECT_EQ(sluice_aio_return(&first), 4);
  EXPECT_EQ(sluice_aio_return(&second), 4);
}

TEST(PosixList, ReadIsReadInto) {
  const TempFiles files;
  write_bytes(files.fd(), 3);
  std::string into(8, '.');
  Block read(listed(read_block(files.fd(), into), LIO_READ));
  sluice_aiocb* const blocks[] = {&read};
  ASSERT_EQ(sluice_lio_listio(LIO_WAIT, blocks, 1, nullptr), 0);
  EXPECT_EQ(into, "xxx.....");
}

TEST(PosixList, OneThatFailsIsEioAndSaysWhy) {
  const TempFiles files;
  const std::string text = "abcd";
  Block good(listed(write_block(files.fd(), text), LIO_WRITE));
  Block bad(listed(write_block(-1, text), LIO_WRITE));
  sluice_aiocb* const blocks[] = {&bad, &good};
  EXPECT_EQ(errno_of(sluice_lio_listio(LIO_WAIT, blocks, 2, nullptr)), EIO);
  EXPECT_EQ(sluice_aio_error(&bad), EBADF);
  EXPECT_EQ(sluice_aio_error(&good), 0);
}

TEST(PosixList, OperationThatThereIsNotIsItsOwnError) {
  const TempFiles files;
  const std::string text = "abcd";
  Block odd(listed(write_block(files.fd(), text), 77));
  sluice_aiocb* const blocks[] = {&odd};
  EXPECT_EQ(errno_of(sluice_lio_listio(LIO_WAIT, blocks, 1, nullptr)), EIO);
  EXPECT_EQ(sluice_aio_error(&odd), EINVAL);
}

TEST(PosixList, Contract_P7_BlockTwiceInAListIsDoneOnce) {
  const TempFiles files;
  const std::string text(1 << 20, 'x');
  Block write(listed(write_block(files.fd(), text), LIO_WRITE));
  std::array<sluice_aiocb*, 2> blocks = {&write, &write};
  const int result = sluice_lio_listio(LIO_WAIT, blocks.data(), 2, nullptr);
  const int error = errno_of(result);
  EXPECT_TRUE(error == EIO || error == 0) << "busy, or done before it came again; " << error;
  EXPECT_EQ(sluice_aio_error(&write), 0);
  EXPECT_EQ(sluice_aio_return(&write), static_cast<ssize_t>(text.size()));
}

TEST(PosixList, BadModeOrCountIsEinval) {
  sluice_aiocb* const blocks[] = {nullptr};
  EXPECT_EQ(errno_of(sluice_lio_listio(77, blocks, 1, nullptr)), EINVAL);
  EXPECT_EQ(errno_of(sluice_lio_listio(LIO_WAIT, blocks, -1, nullptr)), EINVAL);
}

TEST(PosixList, Contract_B5_BadNotificationIsEinvalAndNothingIsQueued) {
  const TempFiles files;
  const std::string text = "abcd";
  Block write(listed(write_block(files.fd(), text), LIO_WRITE));
  sluice_aiocb* const blocks[] = {&write};
  sigevent wrong{};
  wrong.sigev_notify = 99;
  EXPECT_EQ(errno_of(sluice_lio_listio(LIO_NOWAIT, blocks, 1, &wrong)), EINVAL);
  EXPECT_EQ(errno_of(sluice_aio_return(&write)), EINVAL);
}

TEST(PosixList, Contract_F4_UnreadableBlockIsEfaultAndNothingIsQueued) {
  const TempFiles files;
  const std::string text = "abcd";
  Block write(listed(write_block(files.fd(), text), LIO_WRITE));
  sluice_aiocb* const blocks[] = {&write, reinterpret_cast<sluice_aiocb*>(16)};
  EXPECT_EQ(errno_of(sluice_lio_listio(LIO_WAIT, blocks, 2, nullptr)), EFAULT);
  EXPECT_EQ(errno_of(sluice_aio_return(&write)), EINVAL);
}

/// Counts the calls of one notification.
struct Calls {
  Calls() { ::sem_init(&called, 0, 0); }
  ~Calls() { ::sem_destroy(&called); }
  Calls(const Calls&) = delete;
  Calls& operator=(const Calls&) = delete;
  [[nodiscard]] sigevent event() {
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD;
    event.sigev_notify_function = [](sigval value) {
      ::sem_post(&static_cast<Calls*>(value.sival_ptr)->called);
    };
    event.sigev_value.sival_ptr = this;
    return event;
  }
  bool wait() {
    timespec patience{};
    ::clock_gettime(CLOCK_REALTIME, &patience);
    patience.tv_sec += 10;
    return ::sem_timedwait(&called, &patience) == 0;
  }
  sem_t called{};
};

TEST(PosixList, NotificationComesOnceWhenAllAreDone) {
  const TempFiles files;
  const std::string text = "abcd";
  std::array<sluice_aiocb, 16> writes;
  std::array<sluice_aiocb*, 16> blocks{};
  for (std::size_t i = 0; i < writes.size(); ++i) {
    writes[i] = listed(write_block(files.fd(), text, static_cast<off_t>(4 * i)), LIO_WRITE);
    blocks[i] = &writes[i];
  }
  Calls calls;
  sigevent event = calls.event();
  ASSERT_EQ(sluice_lio_listio(LIO_NOWAIT, blocks.data(), 16, &event), 0);
  ASSERT_TRUE(calls.wait());
  for (sluice_aiocb& write : writes) EXPECT_EQ(sluice_aio_return(&write), 4);
  EXPECT_NE(::sem_trywait(&calls.called), 0);
}

TEST(PosixList, NotificationComesAtOnceWhenThereIsNothingToDo) {
  sluice_aiocb* const blocks[] = {nullptr};
  Calls calls;
  sigevent event = calls.event();
  ASSERT_EQ(sluice_lio_listio(LIO_NOWAIT, blocks, 1, &event), 0);
  EXPECT_TRUE(calls.wait());
}

}  // namespace
}  // namespace sluice::testing
