#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <string>

#include "backend_contract.h"
#include "os_transfer.h"
#include "temp_files.h"

// What every backend owes the engine when it reads and writes.

namespace sluice::testing {
namespace {

class TransferContract : public BackendContract {
 protected:
  static Transfer reading(int fd, std::string& buffer, off_t offset) {
    return {TransferKind::read, fd, buffer.data(), buffer.size(), offset};
  }
  static Transfer writing(int fd, std::string& buffer, off_t offset) {
    return {TransferKind::write, fd, buffer.data(), buffer.size(), offset};
  }
  IoCompletion transfer(const Transfer& what) {
    submit(what);
    return collect(1).front();
  }
  /// What the file holds, as somebody else sees it.
  static std::string content(int fd) {
    std::string bytes(1 << 16, '?');
    const ssize_t got = ::pread(fd, bytes.data(), bytes.size(), 0);
    bytes.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return bytes;
  }
};

INSTANTIATE_TEST_SUITE_P(, TransferContract, ::testing::ValuesIn(BackendContract::makers()),
                         BackendContract::name_of);

TEST_P(TransferContract, WritePutsItsBytesAtItsOffset) {
  const TempFiles files;
  std::string bytes = "sluice";
  const IoCompletion completion = transfer(writing(files.fd(), bytes, 3));
  EXPECT_EQ(completion.outcome, IoOutcome::succeeded);
  EXPECT_EQ(completion.bytes, 6U);
  EXPECT_EQ(content(files.fd()), std::string(3, '\0') + "sluice");
}

TEST_P(TransferContract, ReadTakesTheBytesAtItsOffset) {
  const TempFiles files;
  ASSERT_EQ(::pwrite(files.fd(), "a sluice", 8, 0), 8);
  std::string bytes(3, '?');
  const IoCompletion completion = transfer(reading(files.fd(), bytes, 2));
  EXPECT_EQ(completion.outcome, IoOutcome::succeeded);
  EXPECT_EQ(completion.bytes, 3U);
  EXPECT_EQ(bytes, "slu");
}

TEST_P(TransferContract, OffsetMayBeBeyondFourGigabytes) {
  constexpr off_t kFar = (off_t{1} << 32) + 5;
  const TempFiles files;
  std::string written = "far";
  ASSERT_EQ(transfer(writing(files.fd(), written, kFar)).bytes, 3U);
  std::string read(3, '?');
  EXPECT_EQ(transfer(reading(files.fd(), read, kFar)).bytes, 3U);
  EXPECT_EQ(read, "far");
}

TEST_P(TransferContract, PositionOfTheOpenFileStaysWhereItIs) {
  const TempFiles files;
  ASSERT_EQ(::lseek(files.fd(), 2, SEEK_SET), 2);
  std::string bytes = "sluice";
  transfer(writing(files.fd(), bytes, 0));
  transfer(reading(files.fd(), bytes, 0));
  EXPECT_EQ(::lseek(files.fd(), 0, SEEK_CUR), 2);
}

TEST_P(TransferContract, ReadAcrossTheEndOfTheFileIsShort) {
  const TempFiles files;
  write_bytes(files.fd(), 100);
  std::string bytes(100, '?');
  const IoCompletion completion = transfer(reading(files.fd(), bytes, 60));
  EXPECT_EQ(completion.outcome, IoOutcome::succeeded);
  EXPECT_EQ(completion.bytes, 40U);
}

TEST_P(TransferContract, ReadBehindTheEndOfTheFileMovesNothing) {
  const TempFiles files;
  std::string bytes(100, '?');
  const IoCompletion completion = transfer(reading(files.fd(), bytes, 60));
  EXPECT_EQ(completion.outcome, IoOutcome::succeeded);
  EXPECT_EQ(completion.bytes, 0U);
}

TEST_P(TransferContract, MoreThanTheKernelMovesAtOnceIsReadInPart) {
  constexpr std::size_t kHuge = (std::size_t{1} << 32) + 6;  // Of which the lower half is less than the file.
  const TempFiles files;
  write_bytes(files.fd(), 100);
  void* const buffer =
      ::mmap(nullptr, kHuge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(buffer, MAP_FAILED);
  const IoCompletion completion = transfer({TransferKind::read, files.fd(), buffer, kHuge, 0});
  ::munmap(buffer, kHuge);
  EXPECT_EQ(completion.outcome, IoOutcome::succeeded);
  EXPECT_EQ(completion.bytes, 100U);
}

TEST_P(TransferContract, TransferOfNothingSucceeds) {
  const TempFiles files;
  std::string nothing;
  EXPECT_EQ(transfer(writing(files.fd(), nothing, 0)).outcome, IoOutcome::succeeded);
  EXPECT_EQ(transfer(reading(files.fd(), nothing, 0)).outcome, IoOutcome::succeeded);
}

TEST_P(TransferContract, WriteToADescriptorThatIsOpenForReadingFailsWithEbadf) {
  const TempFiles files;
  const UniqueFd read_only(::open(files.path().c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(read_only.valid());
  std::string bytes = "sluice";
  const IoCompletion completion = transfer(writing(read_only.get(), bytes, 0));
  EXPECT_EQ(completion.outcome, IoOutcome::failed);
  EXPECT_EQ(completion.error, Errno(EBADF));
  EXPECT_EQ(completion.bytes, 0U);
}

TEST_P(TransferContract, ReadOfADirectoryFailsWithEisdir) {
  const UniqueFd directory(::open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_TRUE(directory.valid());
  std::string bytes(10, '?');
  const IoCompletion completion = transfer(reading(directory.get(), bytes, 0));
  EXPECT_EQ(completion.outcome, IoOutcome::failed);
  EXPECT_EQ(completion.error, Errno(EISDIR));
}

TEST_P(TransferContract, UnreadableBufferFailsWithEfault) {
  const TempFiles files;
  void* const nothing = ::mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(nothing, MAP_FAILED);
  const IoCompletion completion = transfer({TransferKind::write, files.fd(), nothing, 4096, 0});
  ::munmap(nothing, 4096);
  EXPECT_EQ(completion.outcome, IoOutcome::failed);
  EXPECT_EQ(completion.error, Errno(EFAULT));
}

TEST_P(TransferContract, AppendingDescriptorIgnoresTheOffset) {
  const TempFiles files;
  write_bytes(files.fd(), 10);
  const UniqueFd appending(::open(files.path().c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  ASSERT_TRUE(appending.valid());
  std::string bytes = "end";
  ASSERT_EQ(transfer(writing(appending.get(), bytes, 0)).bytes, 3U);
  EXPECT_EQ(content(files.fd()).substr(10), "end");
}

TEST_P(TransferContract, NonBlockingDescriptorIsServedLikeAnyOther) {
  const TempFiles files;
  const UniqueFd other(::open(files.path().c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  ASSERT_TRUE(other.valid());
  std::string bytes = "sluice";
  EXPECT_EQ(transfer(writing(other.get(), bytes, 0)).bytes, 6U);
  EXPECT_EQ(transfer(reading(other.get(), bytes, 0)).bytes, 6U);
}

TEST_P(TransferContract, EveryTransferUpToTheLimitEndsOnce) {
  const TempFiles files;
  std::vector<std::string> buffers;
  for (unsigned i = 0; i < kLimit; ++i) buffers.emplace_back(1000, static_cast<char>('a' + i));
  for (unsigned round = 0; round < 20; ++round) {
    for (unsigned i = 0; i < kLimit; ++i) submit(writing(files.fd(), buffers[i], off_t{1000} * i));
    const std::vector<IoCompletion> completions = collect(kLimit);
    ASSERT_EQ(completions.size(), kLimit);
    for (unsigned i = 0; i < kLimit; ++i) {
      EXPECT_EQ(completions[i].token, IoToken(round * kLimit + i + 1));
      EXPECT_EQ(completions[i].bytes, 1000U);
    }
  }
  std::string all;
  for (const std::string& buffer : buffers) all += buffer;
  EXPECT_EQ(content(files.fd()), all);
}

TEST_P(TransferContract, TransfersAndSyncsShareTheLimitAndEndOnceEach) {
  const TempFiles files(kLimit / 2);
  std::string bytes(4096, 'x');
  for (unsigned i = 0; i < kLimit / 2; ++i) {
    submit(writing(files.fd(i), bytes, 0));
    submit(files.fd(i), SyncKind::data);
  }
  const std::vector<IoCompletion> completions = collect(kLimit);
  ASSERT_EQ(completions.size(), kLimit);
  for (unsigned i = 0; i < kLimit; ++i) {
    EXPECT_EQ(completions[i].token, IoToken(i + 1));
    EXPECT_EQ(completions[i].outcome, IoOutcome::succeeded);
    EXPECT_EQ(completions[i].bytes, i % 2 == 0 ? 4096U : 0U);
  }
}

TEST_P(TransferContract, FailureDoesNotStopWhatWasSubmittedWithIt) {
  const TempFiles files;
  std::string bytes = "sluice";
  submit(writing(files.fd(), bytes, 0));
  submit(writing(-1, bytes, 0));
  submit(writing(files.fd(), bytes, 6));
  const std::vector<IoCompletion> completions = collect(3);
  EXPECT_EQ(completions[0].outcome, IoOutcome::succeeded);
  EXPECT_EQ(completions[1].outcome, IoOutcome::failed);
  EXPECT_EQ(completions[2].outcome, IoOutcome::succeeded);
}

TEST(CompletionOfTransfer, InterruptedTransferNeverRan) {
  constexpr int kErestartsys = 512;
  for (const int error : {EINTR, kErestartsys})
    EXPECT_EQ(completion_of_transfer(IoToken(1), -error).outcome, IoOutcome::never_ran) << error;
}

TEST(CompletionOfTransfer, EnosysLeavesAsEio) {
  const IoCompletion completion = completion_of_transfer(IoToken(1), -ENOSYS);
  EXPECT_EQ(completion.outcome, IoOutcome::failed);
  EXPECT_EQ(completion.error, Errno(EIO));
}

TEST(CompletionOfTransfer, EveryOtherErrorIsPassedAsItIs) {
  for (const int error : {EIO, ENOSPC, EDQUOT, EROFS, EAGAIN, ENOMEM, ECANCELED, EFBIG}) {
    const IoCompletion completion = completion_of_transfer(IoToken(1), -error);
    EXPECT_EQ(completion.outcome, IoOutcome::failed) << error;
    EXPECT_EQ(completion.error, Errno(error));
  }
}

}  // namespace
}  // namespace sluice::testing
