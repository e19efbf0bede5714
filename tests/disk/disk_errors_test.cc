// Errors of the disk reach programs as the kernel hands them on.

#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "mounted_disk_test.h"

namespace sluice::testing {
namespace {

using FaultyBlock = EveryDiskTest;
using FailedFlush = EveryDiskTest;
using AbortedJournal = Ext4DiskTest;

// btrfs writes nothing in its old place, and its offsets are not the disk's.
INSTANTIATE_TEST_SUITE_P(On, FaultyBlock, ::testing::Values(FileSystem::ext4, FileSystem::xfs),
                         name_of_param);
INSTANTIATE_TEST_SUITE_P(On, FailedFlush,
                         ::testing::Values(FileSystem::ext4, FileSystem::xfs, FileSystem::btrfs),
                         name_of_param);

std::string fault(std::uint64_t offset_bytes, const char* kind) {
  return "fail-range " + std::to_string(offset_bytes) + " 512 " + kind;
}

TEST_P(FaultyBlock, IsReportedByOneFdatasyncAndThenForgottenWithTheData) {
  tell(fault(offset_on_disk(3), "writes"));
  overwrite(3, 'x');
  EXPECT_EQ(fdatasync(), EIO);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(fdatasync(), 0);
  EXPECT_EQ(on_disk(3), 'o');
}

TEST_P(FaultyBlock, DoesNoHarmToOtherBlocks) {
  tell(fault(offset_on_disk(3), "writes"));
  overwrite(4, 'x');
  EXPECT_EQ(fdatasync(), 0);
  EXPECT_EQ(on_disk(4), 'x');
}

TEST_P(FaultyBlock, CanBeWrittenOnceTheFaultIsCleared) {
  tell(fault(offset_on_disk(3), "writes"));
  overwrite(3, 'x');
  EXPECT_EQ(fdatasync(), EIO);
  tell("clear-faults");
  overwrite(3, 'y');
  EXPECT_EQ(fdatasync(), 0);
  EXPECT_EQ(on_disk(3), 'y');
}

TEST_P(FaultyBlock, CannotBeRead) {
  tell(fault(offset_on_disk(3), "reads"));
  ASSERT_EQ(::posix_fadvise(file(), 0, 0, POSIX_FADV_DONTNEED), 0);
  char byte = 0;
  EXPECT_EQ(::pread(file(), &byte, 1, 3 * kBlock), -1);
  EXPECT_EQ(errno, EIO) << std::strerror(errno);
}

TEST_P(FailedFlush, IsReportedByTheSyncThatAskedForIt) {
  tell("fail-flushes 0 1");
  overwrite(0, 'x');
  EXPECT_EQ(fsync(), EIO);
  EXPECT_EQ(disk().counts().failed_flushes, 1U);
}

TEST_F(AbortedJournal, LeavesTheFileSystemReadOnlyForGood) {
  tell("fail-flushes 0 1");
  overwrite(kBlocks, 'x');  // A new block, so that the journal has to commit.
  EXPECT_EQ(fsync(), EIO);
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(UniqueFd(::open(path("new").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)).valid());
    EXPECT_EQ(errno, EROFS) << std::strerror(errno);
  }
}

}  // namespace
}  // namespace sluice::testing
