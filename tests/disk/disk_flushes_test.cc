// Flushes of real file systems arrive at the disk, and the log has them in the right place.

#include <algorithm>

#include "mounted_disk_test.h"
#include "raw_log.h"

namespace sluice::testing {
namespace {

using ArrivingFlush = EveryDiskTest;
using Ext4Flush = Ext4DiskTest;
using BarrierlessDisk = EveryDiskTest;

INSTANTIATE_TEST_SUITE_P(On, ArrivingFlush,
                         ::testing::Values(FileSystem::ext4, FileSystem::xfs, FileSystem::btrfs),
                         name_of_param);
// XFS has no such option any more.
INSTANTIATE_TEST_SUITE_P(On, BarrierlessDisk, ::testing::Values(FileSystem::ext4, FileSystem::btrfs),
                         name_of_param);

/// True when there is a write of `data` among the first `end` entries, and a flush between it and them.
bool flushed(const RawLog& log, const std::string& data, std::uint64_t end) {
  const auto last = log.entries.begin() + static_cast<std::ptrdiff_t>(end);
  const auto write = std::find_if(log.entries.begin(), last, [&](const RawLog::Entry& entry) {
    return entry.content.find(data) != std::string::npos;
  });
  return std::any_of(write, last, [](const RawLog::Entry& entry) { return entry.flags == kRawFlush; });
}

TEST_P(ArrivingFlush, ComesWithEachFdatasync) {
  for (std::size_t i = 0; i < 10; ++i) {
    EXPECT_GE(flushes_of([&] {
                overwrite(i, 'x');
                EXPECT_EQ(fdatasync(), 0);
              }),
              1U);
  }
}

TEST_P(ArrivingFlush, StandsInTheLogBetweenTheDataAndTheAcknowledgement) {
  std::vector<std::uint64_t> acknowledged;
  for (std::size_t i = 0; i < 10; ++i) {
    overwrite(i, static_cast<char>('0' + i));
    ASSERT_EQ(fdatasync(), 0);
    acknowledged.push_back(disk().log_position());
  }
  const RawLog log = RawLog::read(disk().log());
  for (std::size_t i = 0; i < 10; ++i)
    EXPECT_TRUE(flushed(log, std::string(kBlock, static_cast<char>('0' + i)), acknowledged[i])) << i;
}

TEST_P(BarrierlessDisk, GetsTheDataAndNoFlush) {
  remount("nobarrier");
  EXPECT_EQ(flushes_of([&] {
              overwrite(0, 'x');
              EXPECT_EQ(fdatasync(), 0);
              EXPECT_EQ(fsync(), 0);
            }),
            0U);
  EXPECT_FALSE(flushed(RawLog::read(disk().log()), std::string(kBlock, 'x'), disk().log_position()));
}

// mkfs.btrfs would say that the second is mounted, if their images had one name.
TEST_F(Ext4Flush, ComesToTheRightOneOfTwoDisks) {
  TestDisk other;
  other.make_file_system(FileSystem::btrfs);
  const std::uint64_t before = other.counts().flushes;
  overwrite(0, 'x');
  EXPECT_GE(flushes_of([&] { EXPECT_EQ(fdatasync(), 0); }), 1U);
  EXPECT_EQ(other.counts().flushes, before);
}

// What a commit of ext4's journal costs; others may commit at the same time, hence "at least".
TEST_F(Ext4Flush, ComesOnceForAnOverwriteAndTwiceForACommit) {
  EXPECT_GE(flushes_of([&] {
              overwrite(0, 'x');
              EXPECT_EQ(fdatasync(), 0);
            }),
            1U);
  EXPECT_GE(flushes_of([&] {
              overwrite(kBlocks, 'x');
              EXPECT_EQ(fdatasync(), 0);
            }),
            2U);
}

TEST_F(Ext4Flush, ThatIsIgnoredIsSeenInTheCountersAndNotInTheLog) {
  tell("ignore-flushes on");
  const DiskCounts before = disk().counts();
  overwrite(0, 'x');
  EXPECT_EQ(fdatasync(), 0);
  const DiskCounts after = disk().counts();
  EXPECT_GE(after.flushes - before.flushes, 1U);
  EXPECT_EQ(after.ignored_flushes - before.ignored_flushes, after.flushes - before.flushes);
  EXPECT_FALSE(flushed(RawLog::read(disk().log()), std::string(kBlock, 'x'), after.log_position));
}

TEST_F(Ext4Flush, TakesAtLeastItsDelay) {
  tell("flush-delay-us 100000");
  overwrite(0, 'x');
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(fdatasync(), 0);
  EXPECT_GE(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(100));
}

}  // namespace
}  // namespace sluice::testing
