#include <gtest/gtest.h>

#include <thread>

#include "bare_disk.h"
#include "eventually.h"

namespace sluice::testing {
namespace {

/// A flush on a thread of its own, as the server makes it. Released at the latest when it is destroyed.
class FlushThread {
 public:
  explicit FlushThread(BareDisk& disk) : disk_(disk) {
    disk_->begin_flush();
    thread_ = std::thread([this] { result_ = disk_->finish_flush(); });
  }
  ~FlushThread() {
    disk_->release_flushes();
    if (thread_.joinable()) thread_.join();
  }
  FlushThread(const FlushThread&) = delete;
  FlushThread& operator=(const FlushThread&) = delete;

  bool waits_at_gate() {
    return eventually([this] { return disk_->counts().held_flushes == 1; });
  }
  /// Waits for its end.
  bool succeeds() {
    thread_.join();
    return result_.has_value();
  }

 private:
  BareDisk& disk_;
  Result<void> result_;
  std::thread thread_;
};

TEST(Disk, WhatIsWrittenIsReadBackAndTheRestIsZero) {
  BareDisk disk;
  ASSERT_EQ(disk.write(3, 'a'), 0);
  EXPECT_EQ(disk.read(3), 'a');
  EXPECT_EQ(disk.read(2), '\0');
  EXPECT_EQ(disk.read(100), '\0');
}

TEST(Disk, ADiscardedRangeReadsAsZeros) {
  BareDisk disk;
  for (const std::uint64_t sector : {0U, 8U, 16U}) ASSERT_EQ(disk.write(sector, 'a'), 0);
  ASSERT_TRUE(disk->discard({8 * BareDisk::kSector, 8 * BareDisk::kSector}));
  EXPECT_EQ(disk.read(0), 'a');
  EXPECT_EQ(disk.read(8), '\0');
  EXPECT_EQ(disk.read(16), 'a');
}

TEST(Disk, CountsWhatItDoes) {
  BareDisk disk;
  disk.write(0, 'a');
  disk.write(1, 'a');
  disk.read(0);
  (void)disk->discard({0, BareDisk::kSector});
  disk.flush();
  const DiskCounts counts = disk->counts();
  EXPECT_EQ(counts.writes, 2U);
  EXPECT_EQ(counts.write_bytes, 2 * BareDisk::kSector);
  EXPECT_EQ(counts.reads, 1U);
  EXPECT_EQ(counts.read_bytes, BareDisk::kSector);
  EXPECT_EQ(counts.discards, 1U);
  EXPECT_EQ(counts.flushes, 1U);
  EXPECT_EQ(counts.log_position, 4U);
}

TEST(Disk, AHeldFlushIsNotAnsweredWhileReadsAndWritesAre) {
  BareDisk disk;
  disk->hold_flushes();
  FlushThread flush(disk);
  ASSERT_TRUE(flush.waits_at_gate());
  EXPECT_EQ(disk.write(1, 'b'), 0);
  EXPECT_EQ(disk.read(1), 'b');
  EXPECT_EQ(disk->counts().held_flushes, 1U);
  disk->release_flushes();
  EXPECT_TRUE(flush.succeeds());
  EXPECT_EQ(disk->counts().held_flushes, 0U);
}

TEST(Disk, NoFlushWaitsAtTheGateOnceItIsOpen) {
  BareDisk disk;
  disk->hold_flushes();
  disk->release_flushes();
  EXPECT_EQ(disk.flush(), 0);
}

TEST(Disk, TheGateHoldsAFlushThatWasBeingDelayed) {
  BareDisk disk;
  disk->set_flush_delay(std::chrono::milliseconds(20));
  FlushThread flush(disk);
  disk->hold_flushes();
  EXPECT_TRUE(flush.waits_at_gate());
}

TEST(Disk, ADelayedFlushTakesAtLeastTheDelay) {
  BareDisk disk;
  disk->set_flush_delay(std::chrono::milliseconds(30));
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(disk.flush(), 0);
  EXPECT_GE(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(30));
}

TEST(Disk, AtTheEndNeitherGateNorDelayHoldsAFlush) {
  BareDisk disk;
  disk->set_flush_delay(std::chrono::hours(1));
  disk->hold_flushes();
  FlushThread flush(disk);
  disk->stop_waiting();
  EXPECT_TRUE(flush.succeeds());
}

TEST(Disk, AFailingFlushIsCountedAndIsNotInTheLog) {
  BareDisk disk;
  disk->fail_flushes(0, 1);
  EXPECT_EQ(disk.flush(), EIO);
  EXPECT_EQ(disk->counts().flushes, 1U);
  EXPECT_EQ(disk->counts().failed_flushes, 1U);
  EXPECT_TRUE(disk.log().entries.empty());
}

TEST(Disk, FlushesFailAfterTheGoodOnesAndAsOftenAsTold) {
  BareDisk disk;
  disk->fail_flushes(1, 2);
  EXPECT_EQ(disk.flush(), 0);
  EXPECT_EQ(disk.flush(), EIO);
  EXPECT_EQ(disk.flush(), EIO);
  EXPECT_EQ(disk.flush(), 0);
}

TEST(Disk, AnIgnoredFlushIsCountedAndWaitsForNothingAndIsNotInTheLog) {
  BareDisk disk;
  disk->hold_flushes();
  disk->ignore_flushes(true);
  EXPECT_EQ(disk.flush(), 0);
  EXPECT_EQ(disk->counts().flushes, 1U);
  EXPECT_EQ(disk->counts().ignored_flushes, 1U);
  EXPECT_TRUE(disk.log().entries.empty());
}

TEST(Disk, OnlyWhatTouchesAFaultyRangeFailsAndChangesNothing) {
  BareDisk disk;
  ASSERT_EQ(disk.write(8, 'a'), 0);
  disk->fail_range({8 * BareDisk::kSector, 2 * BareDisk::kSector}, FaultOn::writes);
  EXPECT_EQ(disk.write(7, 'b'), 0);
  EXPECT_EQ(disk.write(8, 'b'), EIO);
  EXPECT_EQ(disk.write(9, 'b'), EIO);
  EXPECT_EQ(disk.write(10, 'b'), 0);
  EXPECT_EQ(disk.read(8), 'a');
  EXPECT_EQ(disk.log().entries.size(), 3U);
}

TEST(Disk, AFaultMeetsReadsOrWritesOrBothAsTold) {
  std::array<std::byte, BareDisk::kSector> data{};
  for (const FaultOn what : {FaultOn::reads, FaultOn::writes, FaultOn::both}) {
    BareDisk disk;
    disk->fail_range({0, BareDisk::kSector}, what);
    EXPECT_EQ(disk->read(0, data).has_value(), what == FaultOn::writes);
    EXPECT_EQ(disk->write(0, data).has_value(), what == FaultOn::reads);
    EXPECT_EQ(disk->discard({0, BareDisk::kSector}).has_value(), what == FaultOn::reads);
  }
}

TEST(Disk, AFaultMayReachToTheEndOfNumbers) {
  BareDisk disk;
  disk->fail_range({BareDisk::kSector, UINT64_MAX}, FaultOn::both);
  EXPECT_EQ(disk.write(0, 'a'), 0);
  EXPECT_EQ(disk.write(5, 'a'), EIO);
}

TEST(Disk, ClearedFaultsAreGone) {
  BareDisk disk;
  disk->fail_range({0, BareDisk::kSector}, FaultOn::both);
  disk->fail_flushes(0, 5);
  disk->clear_faults();
  EXPECT_EQ(disk.write(0, 'a'), 0);
  EXPECT_EQ(disk.flush(), 0);
}

TEST(Disk, CountersAreSeenByOthersThatMapThem) {
  BareDisk disk;
  const Result<CounterFile> others = CounterFile::open(disk.counters());
  ASSERT_TRUE(others);
  EXPECT_EQ(read_counters(others->counters()).writes, 0U);
  disk.write(0, 'a');
  EXPECT_EQ(read_counters(others->counters()).writes, 1U);
  EXPECT_EQ(read_counters(others->counters()).log_position, 1U);
}

}  // namespace
}  // namespace sluice::testing
