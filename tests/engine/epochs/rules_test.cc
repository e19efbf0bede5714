#include "rules_fixture.h"

// Rules 1 to 4 of DESIGN's "Epochs": covers, syncs, and who needs none.

namespace sluice::testing {
namespace {

using Rule1Cover = EpochsTest;
using Rule2Start = EpochsTest;
using Rule3Kinds = EpochsTest;
using Rule4Syncs = EpochsTest;

// ---- 1. A barrier captures its cover when it arrives ----

TEST_F(Rule1Cover, DataCoverEndsAtTheLastDataMutation) {
  make_durable();
  chmod();
  EXPECT_EQ(fdatasync(), Reception::durable);
}

TEST_F(Rule1Cover, FullCoverEndsAtTheLastMutation) {
  make_durable();
  chmod();
  EXPECT_EQ(fsync(), Reception::waiting);
}

TEST_F(Rule1Cover, MutationBegunAfterTheBarrierIsNotInItsCover) {
  make_durable();
  write();
  fsync();
  const Epoch later = inode_.begin(kData);
  EXPECT_TRUE(inode_.wants_sync());
  static_cast<void>(inode_.begin_sync());
  succeed();
  EXPECT_TRUE(succeeded(last()));
  end(later);
}

// A failed mutation ends like any other, since it may have done half of its work.
TEST_F(Rule1Cover, MutationThatEndsIsDirtyWhateverItsResult) {
  make_durable();
  write();
  EXPECT_EQ(fdatasync(), Reception::waiting);
}

// ---- 2. A sync may start when every epoch in the cover has ended ----

TEST_F(Rule2Start, SyncWaitsForAMutationInFlight) {
  make_durable();
  const Epoch epoch = inode_.begin(kData);
  fsync();
  EXPECT_FALSE(inode_.wants_sync());
  end(epoch);
  EXPECT_TRUE(inode_.wants_sync());
}

TEST_F(Rule2Start, SyncClaimsNothingBehindAMutationInFlight) {
  make_durable();
  const Epoch slow = inode_.begin(kData);
  write();
  EXPECT_EQ(inode_.completed(), slow.previous());
  end(slow);
  EXPECT_EQ(inode_.completed(), inode_.issued());
}

TEST_F(Rule2Start, WriteAfterSyncStartedNeedsAnotherSync) {
  static_cast<void>(inode_.begin_sync());
  write();
  EXPECT_EQ(fdatasync(), Reception::waiting);
  succeed();
  EXPECT_FALSE(answered(last()));
  EXPECT_TRUE(inode_.wants_sync());
}

TEST_F(Rule2Start, WriteThatEndsWhileTheSyncRunsIsNotClaimed) {
  fsync();
  const Epoch epoch = inode_.begin(kData);
  static_cast<void>(inode_.begin_sync());
  end(epoch);
  succeed();
  EXPECT_LT(inode_.durable(SyncKind::data), epoch);
  EXPECT_EQ(fdatasync(), Reception::waiting);
}

// ---- 3. Success makes durable for its kind; full implies data, never the reverse ----

TEST_F(Rule3Kinds, FullSyncMakesDataDurable) {
  write();
  make_durable();
  EXPECT_EQ(fdatasync(), Reception::durable);
}

TEST_F(Rule3Kinds, DataSyncNeverSatisfiesFullBarrier) {
  fdatasync();
  EXPECT_EQ(inode_.begin_sync().kind, SyncKind::data);
  succeed();
  EXPECT_TRUE(succeeded(last()));
  EXPECT_EQ(fsync(), Reception::waiting);
}

TEST_F(Rule3Kinds, NextSyncIsFullWhenAnybodyNeedsThat) {
  fdatasync();
  fsync();
  fdatasync();
  EXPECT_EQ(inode_.begin_sync().kind, SyncKind::full);
}

TEST_F(Rule3Kinds, FullBarrierWhoseCoverHasNotEndedDoesNotMakeTheSyncFull) {
  fdatasync();
  const Epoch epoch = inode_.begin(kMetadata);
  fsync();
  EXPECT_EQ(inode_.begin_sync().kind, SyncKind::data);
  end(epoch);
}

// ---- 4. Elided, joined, or served by the next; one sync at a time ----

TEST_F(Rule4Syncs, DurableCoverNeedsNoDevice) {
  write();
  make_durable();
  EXPECT_EQ(fsync(), Reception::durable);
  EXPECT_FALSE(inode_.wants_sync());
}

TEST_F(Rule4Syncs, BarrierJoinsTheRunningSyncThatCoversIt) {
  static_cast<void>(inode_.begin_sync());
  EXPECT_EQ(fsync(), Reception::joined);
  succeed();
  EXPECT_TRUE(succeeded(last()));
}

TEST_F(Rule4Syncs, DataBarrierJoinsAFullSync) {
  static_cast<void>(inode_.begin_sync());
  EXPECT_EQ(fdatasync(), Reception::joined);
}

TEST_F(Rule4Syncs, FullBarrierDoesNotJoinADataSync) {
  fdatasync();
  static_cast<void>(inode_.begin_sync());
  EXPECT_EQ(fsync(), Reception::waiting);
  succeed();
  EXPECT_FALSE(answered(last()));
}

TEST_F(Rule4Syncs, OneSyncServesAllWhoWait) {
  fsync();
  write();
  fdatasync();
  fsync();
  static_cast<void>(inode_.begin_sync());
  succeed();
  EXPECT_EQ(answers_.size(), 3U);
  EXPECT_FALSE(inode_.wants_sync());
}

TEST_F(Rule4Syncs, NoSecondSyncIsWantedWhileOneRuns) {
  static_cast<void>(inode_.begin_sync());
  write();
  fsync();
  EXPECT_FALSE(inode_.wants_sync());
  succeed();
  EXPECT_TRUE(inode_.wants_sync());
}

using Rule4SyncsDeathTest = EpochsTest;

TEST_F(Rule4SyncsDeathTest, SecondSyncAtOnceEndsTheProcess) {
  static_cast<void>(inode_.begin_sync());
  write();
  EXPECT_DEATH(static_cast<void>(inode_.begin_sync()), "broken invariant");
}

TEST_F(Rule4SyncsDeathTest, SyncOfWhatIsDurableEndsTheProcess) {
  make_durable();
  EXPECT_DEATH(static_cast<void>(inode_.begin_sync()), "broken invariant");
}

TEST_F(Rule4SyncsDeathTest, EndingAMutationTwiceEndsTheProcess) {
  const Epoch epoch = inode_.begin(kData);
  end(epoch);
  EXPECT_DEATH(end(epoch), "broken invariant");
}

TEST_F(Rule4Syncs, EarlySyncSparesTheBarrierItsOwn) {
  write();
  EXPECT_EQ(inode_.begin_sync().kind, SyncKind::full);
  succeed();
  EXPECT_EQ(fsync(), Reception::durable);
}

TEST_F(Rule4Syncs, CancelledBarrierWantsNoSync) {
  fsync();
  EXPECT_EQ(inode_.cancel(last()), CancelOutcome::cancelled);
  EXPECT_FALSE(inode_.wants_sync());
}

TEST_F(Rule4Syncs, JoinedBarrierIsNotCancelled) {
  static_cast<void>(inode_.begin_sync());
  fsync();
  EXPECT_EQ(inode_.cancel(last()), CancelOutcome::not_cancelled);
  succeed();
  EXPECT_TRUE(succeeded(last()));
}

TEST_F(Rule4Syncs, AnsweredBarrierIsDoneWhenItIsCancelled) {
  fsync();
  static_cast<void>(inode_.begin_sync());
  succeed();
  EXPECT_EQ(inode_.cancel(last()), CancelOutcome::all_done);
}

TEST_F(Rule4Syncs, SyncHasTheHighestPriorityAmongThoseItServes) {
  fsync(Priority(3));
  fsync(Priority(-2));
  const Epoch epoch = inode_.begin(kData);
  fsync(Priority(9));
  EXPECT_EQ(inode_.priority(), Priority(3));
  end(epoch);
  EXPECT_EQ(inode_.priority(), Priority(9));
}

}  // namespace
}  // namespace sluice::testing
