#include "sync_ahead.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>
#include <vector>

// How many early syncs are wanted, as barriers come and early syncs turn out to be hits or misses.

namespace sluice::testing {
namespace {

constexpr std::size_t kLimit = 64;

/// Starts all that are wanted.
std::vector<EarlySyncId> start_all(SyncAhead& ahead) {
  std::vector<EarlySyncId> started;
  while (ahead.wanted() > 0) started.push_back(ahead.start());
  ahead.check_invariants();
  return started;
}

/// As in a storm, until so many are outstanding.
std::vector<EarlySyncId> grown_to(SyncAhead& ahead, std::size_t depth) {
  ahead.late_barrier();
  std::vector<EarlySyncId> outstanding = start_all(ahead);
  while (outstanding.size() < depth) {
    ahead.asked(outstanding.front());
    outstanding.erase(outstanding.begin());
    for (const EarlySyncId id : start_all(ahead)) outstanding.push_back(id);
  }
  return outstanding;
}

// ---- Single events ----

TEST(SyncAhead, NothingIsStartedUnlessALateBarrierCame) {
  EXPECT_EQ(SyncAhead(kLimit).wanted(), 0U);
}

TEST(SyncAhead, LateBarrierStartsTwo) {
  SyncAhead ahead(kLimit);
  ahead.late_barrier();
  EXPECT_EQ(ahead.wanted(), 2U);
}

TEST(SyncAhead, LimitOfZeroStartsNone) {
  SyncAhead ahead(0);
  for (int i = 0; i < 1000; ++i) ahead.late_barrier();
  EXPECT_EQ(ahead.wanted(), 0U);
  ahead.check_invariants();
}

TEST(SyncAhead, HitDoublesTheDepth) {
  SyncAhead ahead(kLimit);
  ahead.late_barrier();
  const auto started = start_all(ahead);
  ahead.asked(started[0]);
  EXPECT_EQ(ahead.depth(), 4U);
  EXPECT_EQ(ahead.wanted(), 3U);  // One is outstanding.
  ahead.asked(started[1]);
  EXPECT_EQ(ahead.depth(), 8U);
}

TEST(SyncAhead, MissHalvesTheDepth) {
  SyncAhead ahead(kLimit);
  const auto outstanding = grown_to(ahead, 16);
  const std::size_t depth = ahead.depth();
  ahead.in_vain(outstanding[0]);
  EXPECT_EQ(ahead.depth(), depth / 2);
}

TEST(SyncAhead, DepthStaysWithinTheLimit) {
  SyncAhead ahead(kLimit);
  EXPECT_EQ(grown_to(ahead, kLimit).size(), kLimit);
  EXPECT_EQ(ahead.wanted(), 0U);
}

TEST(SyncAhead, FailedSyncIsNeitherHitNorMiss) {
  SyncAhead ahead(kLimit);
  ahead.late_barrier();
  ahead.undone(start_all(ahead)[0]);
  EXPECT_EQ(ahead.depth(), 2U);
  EXPECT_EQ(ahead.wanted(), 1U);
  EXPECT_EQ(ahead.counts().hits + ahead.counts().misses, 0U);
}

TEST(SyncAhead, SyncThatWasNotStartedIsNotCounted) {
  SyncAhead ahead(kLimit);
  ahead.late_barrier();
  ahead.not_started(ahead.start());
  EXPECT_EQ(ahead.wanted(), 2U);
  EXPECT_EQ(ahead.counts().started, 0U);
}

TEST(SyncAhead, SyncThatWasGivenUpBeforeItWasNotStartedIsNoMiss) {
  SyncAhead ahead(kLimit);
  ahead.late_barrier();
  const EarlySyncId id = ahead.start();
  for (int i = 0; i < 100; ++i) ahead.late_barrier();
  ASSERT_EQ(ahead.counts().misses, 1U);
  ahead.not_started(id);
  EXPECT_EQ(ahead.counts().started + ahead.counts().misses, 0U);
}

// ---- Age ----

TEST(SyncAhead, WhatIsNotAskedForBecomesAMiss) {
  SyncAhead ahead(kLimit);
  ahead.late_barrier();
  start_all(ahead);
  for (int i = 0; i < 100; ++i) ahead.late_barrier();
  EXPECT_EQ(ahead.counts().misses, 2U);
  EXPECT_EQ(ahead.outstanding(), 0U);
}

TEST(SyncAhead, CallerElsewhereEndsTheWaitForTheLastOne) {
  SyncAhead ahead(kLimit);
  std::vector<EarlySyncId> outstanding = grown_to(ahead, kLimit);
  for (std::size_t i = 0; i < 200; ++i) {
    ahead.asked(outstanding[i]);
    outstanding.push_back(ahead.start());
  }
  ASSERT_EQ(ahead.wanted(), 0U);
  for (int i = 0; i < 4; ++i) ahead.late_barrier();
  EXPECT_EQ(ahead.outstanding(), 0U);
  EXPECT_EQ(ahead.counts().misses, kLimit);
  EXPECT_GT(ahead.wanted(), 0U);
  EXPECT_LT(ahead.depth(), kLimit / 4);  // It must show anew that it is of use.
}

TEST(SyncAhead, NextCallerBeginsWithFew) {
  SyncAhead ahead(kLimit);
  for (const EarlySyncId id : grown_to(ahead, kLimit)) ahead.asked(id);
  ASSERT_EQ(ahead.depth(), kLimit);
  ahead.late_barrier();
  EXPECT_LT(ahead.depth(), kLimit / 4);
}

TEST(SyncAhead, LateHitTakesTheMissBack) {
  SyncAhead ahead(kLimit);
  ahead.late_barrier();
  const auto started = start_all(ahead);
  for (int i = 0; i < 100; ++i) ahead.late_barrier();
  ASSERT_EQ(ahead.counts().misses, 2U);
  ahead.asked(started[0]);
  EXPECT_EQ(ahead.counts().misses, 1U);
  EXPECT_EQ(ahead.counts().hits, 1U);
}

TEST(SyncAhead, OldMissIsCountedOnce) {
  SyncAhead ahead(kLimit);
  ahead.late_barrier();
  const auto started = start_all(ahead);
  for (int i = 0; i < 100; ++i) ahead.late_barrier();
  ahead.in_vain(started[0]);
  EXPECT_EQ(ahead.counts().misses, 2U);
}

// ---- Switching off ----

TEST(SyncAhead, EachFailedTryWaitsTwiceAsLongForTheNext) {
  SyncAhead ahead(kLimit);
  std::vector<int> waits;
  while (waits.size() < 5) {
    int barriers = 0;
    while (ahead.wanted() == 0) {
      ahead.late_barrier();
      ++barriers;
    }
    waits.push_back(barriers);
    for (const EarlySyncId id : start_all(ahead)) ahead.in_vain(id);
    ASSERT_EQ(ahead.depth(), 0U);
  }
  EXPECT_EQ(waits, (std::vector<int>{1, 2, 4, 8, 16}));
}

TEST(SyncAhead, HitShortensTheWaiting) {
  SyncAhead ahead(kLimit);
  std::vector<EarlySyncId> started;
  for (int i = 0; i < 3; ++i) {
    while (ahead.wanted() == 0) ahead.late_barrier();
    for (const EarlySyncId id : start_all(ahead)) ahead.in_vain(id);
  }
  while (ahead.wanted() == 0) ahead.late_barrier();  // The eighth.
  ahead.asked(ahead.start());
  while (ahead.depth() > 0) ahead.in_vain(ahead.start());
  for (int i = 0; i < 4; ++i) ahead.late_barrier();
  EXPECT_GT(ahead.wanted(), 0U);
}

// ---- Whole loads ----

/// Files that are dirty, in the order in which they became so, and a caller who syncs them.
class Load {
 public:
  explicit Load(std::size_t files) : clean_(files), early_(files) {}

  /// The caller syncs one file. Early syncs go to the files after it.
  void sync(std::size_t file) {
    if (early_[file].valid()) {
      ahead_.asked(std::exchange(early_[file], EarlySyncId()));
    } else if (!clean_[file]) {
      ahead_.late_barrier();
      ++waits_;
      next_ = file + 1;
    }
    clean_[file] = true;
    while (ahead_.wanted() > 0 && next_ < clean_.size()) {
      if (!clean_[next_]) {
        early_[next_] = ahead_.start();
        clean_[next_] = true;
      }
      ++next_;
    }
    ahead_.check_invariants();
  }
  void write(std::size_t file) {
    clean_[file] = false;
    if (early_[file].valid()) ahead_.in_vain(std::exchange(early_[file], EarlySyncId()));
    ahead_.check_invariants();
  }

  /// Barriers that had to wait for a sync of their own.
  [[nodiscard]] std::size_t waits() const { return waits_; }
  [[nodiscard]] const EarlySyncCounts& counts() const { return ahead_.counts(); }

 private:
  SyncAhead ahead_{kLimit};
  std::vector<bool> clean_;
  std::vector<EarlySyncId> early_;
  std::size_t next_ = 0;
  std::size_t waits_ = 0;
};

TEST(SyncAheadLoad, StormWaitsOnce) {
  Load load(1000);
  for (std::size_t file = 0; file < 1000; ++file) load.sync(file);
  EXPECT_EQ(load.waits(), 1U);
  EXPECT_EQ(load.counts().hits, 999U);
  EXPECT_EQ(load.counts().misses, 0U);
}

/// In an order of its own, as a database syncs its files at a checkpoint.
std::size_t waits_of_shuffled_storm(std::size_t files, std::uint32_t seed) {
  Load load(files);
  std::vector<std::size_t> order(files);
  std::iota(order.begin(), order.end(), 0);
  std::shuffle(order.begin(), order.end(), std::mt19937(seed));
  for (const std::size_t file : order) load.sync(file);
  return load.waits();
}

TEST(SyncAheadLoad, ShuffledStormOfFewFilesWaitsForLessThanTwoThirds) {
  constexpr std::size_t kFiles = 32;
  constexpr std::size_t kTimes = 100;
  std::size_t waits = 0;
  for (std::uint32_t seed = 0; seed < kTimes; ++seed) waits += waits_of_shuffled_storm(kFiles, seed);
  EXPECT_LT(waits, kTimes * kFiles * 2 / 3);
}

TEST(SyncAheadLoad, StormAmongFilesThatNobodySyncsIsFound) {
  Load load(3000);  // The first 2,000 were unpacked and stay dirty.
  for (std::size_t file = 2000; file < 3000; ++file) load.sync(file);
  EXPECT_EQ(load.waits(), 1U);
}

TEST(SyncAheadLoad, StormAfterOneThatEndedHalfwayIsFound) {
  Load load(2000);
  for (std::size_t file = 0; file < 500; ++file) load.sync(file);
  for (std::size_t file = 1000; file < 2000; ++file) load.sync(file);
  EXPECT_LT(load.waits(), 10U);
}

/// The mix where it must switch itself off.
TEST(SyncAheadLoad, RandomSyncsAmongFilesThatNobodyAsksForCostATenthAtMost) {
  constexpr std::size_t kSyncs = 2000;
  Load load(100'000);
  std::mt19937 random(1);
  for (std::size_t i = 0; i < kSyncs; ++i) {
    const std::size_t file = random() % 100'000;
    load.sync(file);
    load.write(file);
  }
  EXPECT_LT(load.counts().started, kSyncs / 10);
}

TEST(SyncAheadLoad, TheSameAfterAStormCostsATenthAtMost) {
  constexpr std::size_t kOthers = 2000;
  constexpr std::size_t kSyncs = 1000;
  Load load(kOthers + 1000);
  for (std::size_t file = kOthers; file < kOthers + 1000; ++file) load.sync(file);
  std::mt19937 random(1);
  for (std::size_t i = 0; i < kSyncs; ++i) {
    const std::size_t file = random() % kOthers;
    load.sync(file);
    load.write(file);
  }
  EXPECT_LT(load.counts().misses, kSyncs / 10);
}

TEST(SyncAheadLoad, FilesThatAreWrittenAgainBeforeEachSyncCostATenthAtMost) {
  constexpr std::size_t kRounds = 100;
  Load load(64);
  for (std::size_t round = 0; round < kRounds; ++round) {
    for (std::size_t file = 0; file < 64; ++file) {
      load.write(file);
      load.sync(file);
    }
  }
  EXPECT_LT(load.counts().misses, 64 * kRounds / 10);
}

/// Whatever happens, misses are paid for, and at most `limit` are outstanding.
TEST(SyncAheadProperty, MissesAreBoundedByHitsAndBarriers) {
  for (std::uint32_t seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    const std::size_t limit = 1 + random() % 100;
    const std::size_t hits_in_ten = random() % 11;
    SyncAhead ahead(limit);
    std::vector<EarlySyncId> open;
    for (int i = 0; i < 5000; ++i) {
      while (ahead.wanted() > 0 && random() % 8 != 0) open.push_back(ahead.start());
      if (open.empty() || random() % 4 == 0) {
        ahead.late_barrier();
      } else {
        const std::size_t one = random() % open.size();
        const EarlySyncId id = open[one];
        open.erase(open.begin() + static_cast<std::ptrdiff_t>(one));
        if (random() % 50 == 0) {
          ahead.undone(id);
        } else if (random() % 10 < hits_in_ten) {
          ahead.asked(id);
        } else {
          ahead.in_vain(id);
        }
      }
      ahead.check_invariants();
      const EarlySyncCounts& counts = ahead.counts();
      ASSERT_LE(32 * counts.misses, 32 * SyncAhead::kFirstCredit + 16 * counts.hits + counts.late_barriers)
          << "seed " << seed << " step " << i;
      ASSERT_LE(ahead.outstanding(), limit);
      ASSERT_LE(counts.hits + counts.misses + ahead.outstanding(), counts.started);
    }
  }
}

}  // namespace
}  // namespace sluice::testing
