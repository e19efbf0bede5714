#include "rules_fixture.h"

// Rules 6 and 7 of DESIGN's "Epochs", what nobody announced, and barriers that are acknowledged when queued.

namespace sluice::testing {
namespace {

using Rule6Opaque = EpochsTest;
using Rule7Unknown = EpochsTest;
using Promises = EpochsTest;

// ---- 6. Opaque inodes are assumed written just before every barrier ----

TEST_F(Rule6Opaque, OpaqueInodeIsNeverElided) {
  make_durable();
  inode_.set_opaque();
  EXPECT_FALSE(inode_.would_elide(SyncKind::data));
  EXPECT_EQ(fdatasync(), Reception::waiting);
}

TEST_F(Rule6Opaque, BarrierJoinsNoSyncThatBeganBeforeItCame) {
  inode_.set_opaque();
  fsync();
  static_cast<void>(inode_.begin_sync());
  EXPECT_EQ(fdatasync(), Reception::waiting);
  succeed();
  EXPECT_FALSE(answered(last()));
}

TEST_F(Rule6Opaque, SyncBegunAfterwardsServesAllWhoWait) {
  inode_.set_opaque();
  fsync();
  fdatasync();
  static_cast<void>(inode_.begin_sync());
  succeed();
  EXPECT_EQ(answers_.size(), 2U);
}

TEST_F(Rule6Opaque, InodeIsDirtyAfterItWasOpaque) {
  inode_.set_opaque();
  make_durable();
  inode_.leave_opaque();
  EXPECT_EQ(fdatasync(), Reception::waiting);
}

// ---- 7. What the tracker does not know is dirty ----

TEST_F(Rule7Unknown, InodeOfWhichNothingIsKnownIsDirty) {
  EXPECT_EQ(fdatasync(), Reception::waiting);
  EXPECT_EQ(fsync(), Reception::waiting);
  EXPECT_TRUE(inode_.wants_sync());
}

TEST_F(Rule7Unknown, AssumedWriteIsInNoSyncThatRuns) {
  static_cast<void>(inode_.begin_sync());
  inode_.assume_written();
  EXPECT_EQ(fdatasync(), Reception::waiting);
  succeed();
  EXPECT_FALSE(answered(last()));
}

TEST_F(Rule7Unknown, InodeAtRestIsForgettable) {
  EXPECT_TRUE(inode_.forgettable());
}

TEST_F(Rule7Unknown, BusyInodeIsNotForgettable) {
  const Epoch epoch = inode_.begin(kMetadata);
  EXPECT_FALSE(inode_.forgettable());
  end(epoch);
  fsync();
  EXPECT_FALSE(inode_.forgettable());
  static_cast<void>(inode_.begin_sync());
  EXPECT_FALSE(inode_.forgettable());
  succeed();
  EXPECT_TRUE(inode_.forgettable());
}

TEST_F(Rule7Unknown, NextOwnerOfTheNumberIsDirty) {
  make_durable();
  inode_.set_removed();
  inode_.reuse();
  EXPECT_EQ(fdatasync(), Reception::waiting);
}

TEST_F(Rule7Unknown, NextOwnerOfTheNumberIsNotRemoved) {
  inode_.set_removed();
  inode_.reuse();
  EXPECT_FALSE(inode_.removed());
  lose();
  EXPECT_FALSE(inode_.forgettable());
}

TEST_F(Rule7Unknown, OpaqueInodeIsNotForgettable) {
  inode_.set_opaque();
  EXPECT_FALSE(inode_.forgettable());
}

// ---- Acknowledged when queued ----

TEST_F(Promises, PromiseIsAcceptedAndWantsASync) {
  EXPECT_EQ(promise_fdatasync(), Reception::accepted);
  EXPECT_TRUE(inode_.wants_sync());
  EXPECT_FALSE(inode_.forgettable());
}

TEST_F(Promises, KeptPromiseGetsNoAnswer) {
  promise_fsync();
  EXPECT_EQ(inode_.begin_sync().kind, SyncKind::full);
  succeed();
  EXPECT_TRUE(answers_.empty());
  EXPECT_FALSE(inode_.wants_sync());
}

TEST_F(Promises, PromiseOfWhatIsDurableIsDurable) {
  make_durable();
  EXPECT_EQ(promise_fsync(), Reception::durable);
}

TEST_F(Promises, LaterPromiseDoesNotPutOffAnEarlierOne) {
  promise_fsync();
  const Epoch slow = inode_.begin(kData);
  promise_fsync();
  EXPECT_TRUE(inode_.wants_sync());
  static_cast<void>(inode_.begin_sync());
  succeed();
  EXPECT_FALSE(inode_.wants_sync());
  end(slow);
  EXPECT_TRUE(inode_.wants_sync());
}

TEST_F(Promises, PromiseCannotBeCancelled) {
  promise_fsync();
  EXPECT_EQ(inode_.cancel(last()), CancelOutcome::all_done);
  EXPECT_EQ(inode_.cancel(BarrierId()), CancelOutcome::all_done);
  EXPECT_TRUE(inode_.wants_sync());
}

}  // namespace
}  // namespace sluice::testing
