#include "rules_fixture.h"

// Rule 5 of DESIGN's "Epochs": what a failure loses, who is told, and what ends it; and rule 7 where it
// concerns failures.

namespace sluice::testing {
namespace {

using Rule5Errors = EpochsTest;

// ---- What is lost ----

TEST_F(Rule5Errors, FailedSyncFailsEveryBarrierWhoseCoverItMeets) {
  fsync();
  const BarrierId covered = last();
  static_cast<void>(inode_.begin_sync());
  write();
  fdatasync();
  fail(ENOSPC);
  EXPECT_EQ(error_of(covered), ENOSPC);
  EXPECT_EQ(error_of(last()), ENOSPC) << "its data was written when the failure returned";
}

TEST_F(Rule5Errors, NoLaterSuccessMakesALossDurable) {
  lose();
  static_cast<void>(inode_.begin_sync());
  succeed();
  EXPECT_EQ(fdatasync(), Reception::failed);
  write();
  EXPECT_EQ(fdatasync(), Reception::failed);
}

TEST_F(Rule5Errors, MutationInFlightIsLostWithTheRest) {
  make_durable();
  write();
  fsync();
  static_cast<void>(inode_.begin_sync());
  const Epoch epoch = inode_.begin(kData);
  fail();
  EXPECT_EQ(inode_.failed(SyncKind::data)->last, epoch);
  end(epoch);
}

TEST_F(Rule5Errors, WhatWasDurableIsNotLost) {
  write();
  make_durable();
  const Epoch durable = inode_.issued();
  write();
  lose();
  EXPECT_EQ(inode_.failed(SyncKind::data)->first, durable.next());
}

TEST_F(Rule5Errors, FailedFullSyncLeavesDurableDataAlone) {
  fdatasync();
  static_cast<void>(inode_.begin_sync());
  succeed();
  lose();
  EXPECT_EQ(fsync(), Reception::failed);
  EXPECT_EQ(fdatasync(), Reception::durable);
}

TEST_F(Rule5Errors, FailedDataSyncFailsFullBarriers) {
  fdatasync();
  static_cast<void>(inode_.begin_sync());
  fail();
  EXPECT_EQ(fsync(), Reception::failed);
}

TEST_F(Rule5Errors, FailedDataSyncSparesAFullBarrierWhoseDataIsDurable) {
  fdatasync();
  static_cast<void>(inode_.begin_sync());
  succeed();
  fsync();
  const BarrierId full = last();
  const Epoch slow = inode_.begin(kMetadata);
  inode_.writeback_failed(Errno(EIO), answers_);
  EXPECT_FALSE(answered(full));
  static_cast<void>(inode_.begin_sync());
  succeed();
  EXPECT_TRUE(succeeded(full));
  end(slow);
}

TEST_F(Rule5Errors, SyncThatNeverRanLosesNothing) {
  fsync();
  static_cast<void>(inode_.begin_sync());
  inode_.sync_never_ran();
  EXPECT_FALSE(answered(last()));
  EXPECT_TRUE(inode_.wants_sync());
  EXPECT_FALSE(inode_.failed(SyncKind::full));
}

TEST_F(Rule5Errors, ErrorNumberPassesThrough) {
  lose(EDQUOT);
  const BarrierReception reception = receive(SyncKind::full, Acknowledge::when_durable);
  ASSERT_EQ(reception.reception, Reception::failed);
  EXPECT_EQ(reception.error->value(), EDQUOT);
}

TEST_F(Rule5Errors, FailedWriteOutFailsWaitingBarriers) {
  make_durable();
  write();
  fdatasync();
  inode_.writeback_failed(Errno(ENOSPC), answers_);
  EXPECT_EQ(error_of(last()), ENOSPC);
}

TEST_F(Rule5Errors, FailedWriteOutLosesDataThatNobodyAnnounced) {
  make_durable();
  chmod();
  inode_.writeback_failed(Errno(EIO), answers_);
  EXPECT_EQ(fdatasync(), Reception::failed);
}

TEST_F(Rule5Errors, FailedEarlySyncOfAnOpaqueInodeLosesWhatNobodyAnnounced) {
  inode_.set_opaque();
  fdatasync();
  static_cast<void>(inode_.begin_sync());
  succeed();
  static_cast<void>(inode_.begin_sync());
  fail();
  EXPECT_EQ(fdatasync(), Reception::failed);
}

TEST_F(Rule5Errors, LostPromiseFailsTheNextBarrier) {
  promise_fdatasync();
  static_cast<void>(inode_.begin_sync());
  fail();
  EXPECT_TRUE(answers_.empty());
  EXPECT_FALSE(inode_.wants_sync());
  EXPECT_EQ(promise_fdatasync(), Reception::failed);
}

TEST_F(Rule5Errors, LossOfDataSparesAPromiseWhoseDataIsDurable) {
  fdatasync();
  static_cast<void>(inode_.begin_sync());
  succeed();
  promise_fsync();
  inode_.writeback_failed(Errno(EIO), answers_);
  EXPECT_TRUE(inode_.wants_sync());
}

// ---- What ends a loss ----

TEST_F(Rule5Errors, TruncationToNothingEndsTheLoss) {
  lose();
  truncate();
  EXPECT_EQ(fsync(), Reception::waiting);
  static_cast<void>(inode_.begin_sync());
  succeed();
  EXPECT_TRUE(succeeded(last()));
}

TEST_F(Rule5Errors, TruncationToSomethingEndsNothing) {
  lose();
  write();
  EXPECT_EQ(fsync(), Reception::failed);
}

TEST_F(Rule5Errors, TruncationInFlightEndsNothing) {
  lose();
  const Epoch epoch = inode_.begin(kData);
  EXPECT_EQ(fdatasync(), Reception::failed);
  inode_.end(epoch, MutationEffect::emptied);
  EXPECT_EQ(fdatasync(), Reception::waiting);
}

TEST_F(Rule5Errors, TruncationBegunBeforeTheFailureIsLostItself) {
  fsync();
  static_cast<void>(inode_.begin_sync());
  const Epoch epoch = inode_.begin(kData);
  fail();
  inode_.end(epoch, MutationEffect::emptied);
  EXPECT_EQ(fdatasync(), Reception::failed);
}

TEST_F(Rule5Errors, LossIsRememberedUntilTheTruncationIsDurable) {
  lose();
  truncate();
  EXPECT_TRUE(inode_.failed(SyncKind::data));
  EXPECT_FALSE(inode_.forgettable());
  make_durable();
  EXPECT_FALSE(inode_.failed(SyncKind::data));
  EXPECT_FALSE(inode_.failed(SyncKind::full));
  EXPECT_TRUE(inode_.forgettable());
}

TEST_F(Rule5Errors, DataSyncAfterTheTruncationEndsTheLossOfDataOnly) {
  lose();
  truncate();
  fdatasync();
  static_cast<void>(inode_.begin_sync());
  succeed();
  EXPECT_FALSE(inode_.failed(SyncKind::data));
  EXPECT_TRUE(inode_.failed(SyncKind::full));
}

// The barrier's cover is the first truncation only: the loss before it is superseded, the one after it is not
// the barrier's.
TEST_F(Rule5Errors, SupersededLossIsNotJoinedWithALaterOne) {
  lose();
  truncate();
  fdatasync();
  static_cast<void>(inode_.begin_sync());
  fsync();
  const BarrierId between = last();
  truncate();
  succeed();
  inode_.writeback_failed(Errno(EIO), answers_);
  EXPECT_FALSE(answered(between));
}

// ---- What remembers it ----

TEST_F(Rule5Errors, FailedInodeIsNotForgettable) {
  lose();
  EXPECT_FALSE(inode_.forgettable());
}

TEST_F(Rule5Errors, RemovalLetsALossBeForgotten) {
  lose();
  inode_.set_removed();
  EXPECT_TRUE(inode_.forgettable());
}

}  // namespace
}  // namespace sluice::testing
