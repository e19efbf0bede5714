#include "replay.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "log_fixture.h"

namespace sluice::testing {
namespace {

constexpr std::uint64_t kDiskBytes = 128ULL << 10U;
constexpr std::uint64_t kSeeds = 200;

constexpr AtRisk kEveryKind[] = {AtRisk::lost, AtRisk::kept, AtRisk::some};

class ReplayTest : public LogTest {
 protected:
  /// REQUIRES: nothing is appended afterwards.
  void read_log() {
    Result<WriteLog> log = WriteLog::open(path());
    ASSERT_TRUE(log);
    log_.emplace(std::move(*log));
  }
  [[nodiscard]] std::uint64_t end() const { return log_->entries().size(); }
  [[nodiscard]] Replayer replayer() const { return std::move(*Replayer::create(*log_, kDiskBytes)); }

  [[nodiscard]] MemoryImage disk_after(const PowerCut& cut) const {
    Result<MemoryImage> disk = replayer().disk_after(cut);
    EXPECT_TRUE(disk);
    return std::move(*disk);
  }
  /// What the sector holds throughout; -1 when it is a mixture.
  [[nodiscard]] static int sector(const MemoryImage& disk, std::uint64_t number) {
    const std::span<const std::byte> bytes = disk.bytes().subspan(number * kSector, kSector);
    const bool whole = std::ranges::all_of(bytes, [&](std::byte byte) { return byte == bytes[0]; });
    return whole ? static_cast<int>(bytes[0]) : -1;
  }
  /// What cuts at the end of the log, by as many lots, make of these sectors.
  [[nodiscard]] std::set<std::vector<int>> outcomes(std::uint64_t first, std::uint64_t count) const {
    std::set<std::vector<int>> found;
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
      const MemoryImage disk = disk_after({end(), AtRisk::some, seed});
      std::vector<int> values;
      for (std::uint64_t i = first; i < first + count; ++i) values.push_back(sector(disk, i));
      found.insert(values);
    }
    return found;
  }
  void add_flags(std::uint64_t entry_offset, std::uint64_t flags) {
    std::fstream(path(), std::ios::in | std::ios::out | std::ios::binary)
        .seekp(static_cast<std::streamoff>(entry_offset + offsetof(log_format::Entry, flags)))
        .put(static_cast<char>(flags));
  }

  std::optional<WriteLog> log_;
};

TEST_F(ReplayTest, WhatWasFlushedIsKeptWhateverTheLots) {
  write(0, filled(1, 8));
  flush();
  read_log();
  for (const AtRisk kind : kEveryKind) {
    for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
      const MemoryImage disk = disk_after({end(), kind, seed});
      for (std::uint64_t i = 0; i < 8; ++i) ASSERT_EQ(sector(disk, i), 1);
    }
  }
}

TEST_F(ReplayTest, WithoutAFlushSomeLotsLoseIt) {
  write(0, filled(1));
  read_log();
  EXPECT_EQ(outcomes(0, 1), (std::set<std::vector<int>>{{0}, {1}}));
}

TEST_F(ReplayTest, AFlushBehindTheCutKeepsNothing) {
  write(0, filled(1));
  flush();
  read_log();
  EXPECT_EQ(sector(disk_after({end() - 1, AtRisk::lost, 0}), 0), 0);
  EXPECT_EQ(sector(disk_after({end(), AtRisk::lost, 0}), 0), 1);
}

TEST_F(ReplayTest, LostAndKeptDifferInWhatIsAtRiskOnly) {
  write(0, filled(1));
  flush();
  write(0, filled(2));
  write(1, filled(3));
  read_log();
  const MemoryImage lost = disk_after({end(), AtRisk::lost, 0});
  EXPECT_EQ(sector(lost, 0), 1);
  EXPECT_EQ(sector(lost, 1), 0);
  const MemoryImage kept = disk_after({end(), AtRisk::kept, 0});
  EXPECT_EQ(sector(kept, 0), 2);
  EXPECT_EQ(sector(kept, 1), 3);
}

TEST_F(ReplayTest, WhatComesAfterTheCutDidNotHappen) {
  write(0, filled(1));
  write(0, filled(2));
  read_log();
  EXPECT_EQ(sector(disk_after({1, AtRisk::kept, 0}), 0), 1);
  EXPECT_EQ(sector(disk_after({0, AtRisk::kept, 0}), 0), 0);
}

TEST_F(ReplayTest, AWriteIsTornBetweenItsSectorsInEveryWay) {
  write(0, filled(1, 3));
  flush();
  write(0, filled(2, 3));
  read_log();
  std::set<std::vector<int>> every;
  for (const int a : {1, 2}) {
    for (const int b : {1, 2}) {
      for (const int c : {1, 2}) every.insert({a, b, c});
    }
  }
  // Equal to all eight: every tear occurs, and no sector is ever a mixture.
  EXPECT_EQ(outcomes(0, 3), every);
}

TEST_F(ReplayTest, ALaterWriteMaySurviveAnEarlierOneAndTheOtherWayRound) {
  write(0, filled(1));
  write(9, filled(2));
  read_log();
  std::set<std::pair<int, int>> pairs;
  for (const std::vector<int>& values : outcomes(0, 10)) pairs.emplace(values[0], values[9]);
  EXPECT_EQ(pairs, (std::set<std::pair<int, int>>{{0, 0}, {0, 2}, {1, 0}, {1, 2}}));
}

TEST_F(ReplayTest, ADiscardLeavesZerosIsAtRiskAndIsTorn) {
  write(0, filled(1, 2));
  flush();
  discard(0, 2);
  read_log();
  EXPECT_EQ(sector(disk_after({end(), AtRisk::kept, 0}), 1), 0);
  EXPECT_EQ(sector(disk_after({end(), AtRisk::lost, 0}), 1), 1);
  EXPECT_EQ(outcomes(0, 2), (std::set<std::vector<int>>{{0, 0}, {0, 1}, {1, 0}, {1, 1}}));
}

TEST_F(ReplayTest, AFlushedDiscardStays) {
  write(0, filled(1));
  discard(0, 1);
  flush();
  read_log();
  EXPECT_EQ(outcomes(0, 1), (std::set<std::vector<int>>{{0}}));
}

TEST_F(ReplayTest, AWriteWithFuaIsKeptAndKeepsNoOther) {
  write(0, filled(1));
  write(1, filled(2));
  // The second entry follows the first one's description and data.
  add_flags(kSector * 3, log_format::kFua);
  read_log();
  EXPECT_EQ(outcomes(0, 2), (std::set<std::vector<int>>{{0, 2}, {1, 2}}));
}

TEST_F(ReplayTest, AFlushKeepsWhatCameBeforeItNotWhatItCarries) {
  write(0, filled(1));
  write(1, filled(2));
  add_flags(kSector * 3, log_format::kFlush);
  read_log();
  EXPECT_EQ(outcomes(0, 2), (std::set<std::vector<int>>{{1, 0}, {1, 2}}));
}

TEST_F(ReplayTest, TheSameCutGivesTheSameDiskAndAnotherSeedAnother) {
  for (std::uint64_t i = 0; i < 64; ++i) write(i, filled(static_cast<int>(i) + 1));
  read_log();
  const PowerCut cut{end(), AtRisk::some, 42};
  EXPECT_TRUE(std::ranges::equal(disk_after(cut).bytes(), disk_after(cut).bytes()));
  EXPECT_FALSE(std::ranges::equal(disk_after(cut).bytes(), disk_after({end(), AtRisk::some, 43}).bytes()));
}

TEST_F(ReplayTest, FromCutToCutIsAsFromTheBeginning) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 600; ++i) {
    const std::uint64_t at = random() % 200;
    const std::size_t sectors = 1 + random() % 16;
    if (const std::uint64_t what = random() % 10; what == 0) {
      flush();
    } else if (what == 1) {
      discard(at, sectors);
    } else {
      write(at, filled(static_cast<int>(random() % 255) + 1, sectors));
    }
  }
  read_log();
  Replayer onward = replayer();
  for (int i = 0; i < 60; ++i) {
    // Mostly forward, now and then back.
    const std::uint64_t position = i % 20 == 19 ? random() % end() : static_cast<std::uint64_t>(i) * 10;
    const PowerCut cut{position, kEveryKind[i % 3], random()};
    const Result<MemoryImage> disk = onward.disk_after(cut);
    ASSERT_TRUE(disk);
    ASSERT_TRUE(std::ranges::equal(disk->bytes(), disk_after(cut).bytes())) << "at " << position;
  }
}

TEST_F(ReplayTest, TheWholePrefixIsWhatPlainCopyingGives) {
  std::mt19937_64 random(2);
  std::vector<std::byte> plain(kDiskBytes);
  for (int i = 0; i < 300; ++i) {
    const std::uint64_t at = random() % 200;
    const std::vector<std::byte> data = filled(static_cast<int>(random() % 255) + 1, 1 + random() % 16);
    write(at, data);
    std::ranges::copy(data, plain.begin() + static_cast<std::ptrdiff_t>(at * kSector));
    if (random() % 10 == 0) flush();
  }
  read_log();
  EXPECT_TRUE(std::ranges::equal(disk_after({end(), AtRisk::kept, 0}).bytes(), plain));
}

}  // namespace
}  // namespace sluice::testing
