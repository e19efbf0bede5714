#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "aio_harness.h"

// Which queued reads and writes a sync waits for, and which of their failures it is told. The test chooses
// the order in which things end.

namespace sluice::testing {
namespace {

TEST(AioCover, Contract_F3_SyncBetweenTwoWritesWaitsForTheFirstAndNotForTheSecond) {
  FakeAio aio;
  const auto first = aio.write();
  const auto sync = aio.sync();
  const auto second = aio.write();
  EXPECT_EQ(aio.syncs_when_idle(), 0U);
  aio.end_transfer(0);
  aio.end_sync(0);
  EXPECT_EQ(outcome_of(*sync), 0);
  EXPECT_FALSE(second->done());
  EXPECT_TRUE(first->done());
}

TEST(AioCover, Contract_F3_SyncDoesNotDelayALaterWrite) {
  FakeAio aio;
  const auto sync = aio.sync();
  const auto later = aio.write();
  aio.end_transfer(0);
  EXPECT_EQ(outcome_of(*later), 0);
  EXPECT_FALSE(sync->done());
}

TEST(AioCover, Contract_P6_LaterWriteIsNotClaimed) {
  FakeAio aio;
  const auto sync = aio.sync();
  ASSERT_TRUE(aio.syncs().wait_for_submissions(1));
  aio.write();
  aio.end_transfer(0);
  const auto next = aio.sync();
  aio.end_sync(0);
  EXPECT_EQ(outcome_of(*sync), 0);
  aio.end_sync(1);
  EXPECT_EQ(outcome_of(*next), 0);
}

TEST(AioCover, Contract_P2_CoverIsTakenWhenSubmittedNotWhenPrepared) {
  FakeAio aio;
  AioOrder prepared = AioOrder::sync(aio.files().fd());
  aio.write();
  const auto sync = aio.submit(std::move(prepared));
  EXPECT_EQ(aio.syncs_when_idle(), 0U);
  aio.end_transfer(0);
  aio.end_sync(0);
  EXPECT_EQ(outcome_of(*sync), 0);
}

TEST(AioCover, Contract_F2_SyncWaitsForEveryWriteBefore) {
  FakeAio aio;
  for (int i = 0; i < 3; ++i) aio.write();
  const auto sync = aio.sync();
  aio.end_transfer(2);
  aio.end_transfer(0);
  EXPECT_EQ(aio.syncs_when_idle(), 0U);
  aio.end_transfer(1);
  aio.end_sync(0);
  EXPECT_EQ(outcome_of(*sync), 0);
}

TEST(AioCover, Contract_F2_WriteIsDoneWhenTheSyncThatCoversItIs) {
  FakeAio aio;
  aio.syncs().answer_by([](const SubmittedSync&) { return SyncAnswer::success(); });
  for (std::size_t i = 0; i < 200; ++i) {
    const auto write = aio.write();
    const auto sync = aio.sync();
    aio.end_transfer(i);
    ASSERT_EQ(outcome_of(*sync), 0);
    ASSERT_TRUE(write->done());
  }
}

TEST(AioCover, Contract_F2_SyncWaitsForAReadBefore) {
  FakeAio aio;
  const auto read = aio.read();
  const auto sync = aio.sync();
  EXPECT_EQ(aio.syncs_when_idle(), 0U);
  aio.end_transfer(0);
  aio.end_sync(0);
  EXPECT_EQ(outcome_of(*sync), 0);
}

TEST(AioCover, Contract_E1_WriteThroughAnotherOpenFileIsCovered) {
  FakeAio aio;
  const SharedFd other = aio.files().reopen();
  aio.submit(AioOrder::write(other->get(), bytes_of("x"), 0));
  const auto sync = aio.sync();
  EXPECT_EQ(aio.syncs_when_idle(), 0U);
  aio.end_transfer(0);
  aio.end_sync(0);
  EXPECT_EQ(outcome_of(*sync), 0);
}

TEST(AioCover, Contract_E5_WritesOfAnotherFileAreNotWaitedFor) {
  FakeAio aio(2);
  aio.write(1);
  const auto sync = aio.sync(SyncKind::full, 0);
  aio.end_sync(0);
  EXPECT_EQ(outcome_of(*sync), 0);
}

// The file may be of a server that does not answer.
TEST(AioCover, Contract_E5_SyncAsksForNoStatusOfItsFileOnTheEnginesThread) {
  FakeAio aio;
  const auto sync = aio.sync();
  aio.end_sync(0);
  ASSERT_EQ(outcome_of(*sync), 0);
  EXPECT_EQ(aio.syncs().fingerprints(), 0U);
}

TEST(AioCover, Contract_L1_KindsOfSyncsAreWhatWasAskedFor) {
  FakeAio aio(2);
  aio.sync(SyncKind::data, 0);
  aio.sync(SyncKind::full, 1);
  ASSERT_TRUE(aio.syncs().wait_for_submissions(2));
  EXPECT_EQ(aio.syncs().submitted().at(0).kind, SyncKind::data);
  EXPECT_EQ(aio.syncs().submitted().at(1).kind, SyncKind::full);
}

TEST(AioCover, Contract_B1_SubmitReturnsBeforeTheSyncIsDone) {
  FakeAio aio;
  const auto sync = aio.sync();
  EXPECT_FALSE(sync->done());
  aio.end_sync(0);
  EXPECT_EQ(outcome_of(*sync), 0);
}

TEST(AioCover, Contract_S1_DataSyncIsFdatasyncAndFullSyncIsFsyncOfWhatWasQueued) {
  FakeAio aio(2);
  for (const std::size_t file : {0U, 1U}) aio.write(file);
  const auto data = aio.sync(SyncKind::data, 0);
  const auto full = aio.sync(SyncKind::full, 1);
  EXPECT_EQ(aio.syncs_when_idle(), 0U);
  aio.end_transfer(0);
  ASSERT_TRUE(aio.syncs().wait_for_submissions(1));
  EXPECT_EQ(aio.syncs().submitted().at(0).kind, SyncKind::data);
  aio.end_transfer(1);
  ASSERT_TRUE(aio.syncs().wait_for_submissions(2));
  EXPECT_EQ(aio.syncs().submitted().at(1).kind, SyncKind::full);
}

TEST(AioCover, Contract_E3_EverySyncIsANewEpoch) {
  FakeAio aio;
  const auto first = aio.sync();
  aio.end_sync(0);
  ASSERT_EQ(outcome_of(*first), 0);
  const auto second = aio.sync();
  aio.end_sync(1);
  EXPECT_EQ(outcome_of(*second), 0);
}

TEST(AioCover, Contract_E4_SyncsThatWaitAreServedByOne) {
  FakeAio aio;
  aio.sync();
  ASSERT_TRUE(aio.syncs().wait_for_submissions(1));
  std::vector<std::shared_ptr<AioRequest>> waiting;
  for (int i = 0; i < 64; ++i) waiting.push_back(aio.sync());
  aio.end_sync(0);
  aio.end_sync(1);
  for (const auto& sync : waiting) EXPECT_EQ(outcome_of(*sync), 0);
  EXPECT_EQ(aio.syncs_when_idle(), 2U);
}

TEST(AioAppends, NextOneIsStartedWhenTheFirstHasEnded) {
  FakeAio aio;
  const UniqueFd appending(::open(aio.files().path().c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  for (const char* text : {"a", "b"}) aio.submit(AioOrder::write(appending.get(), bytes_of(text), 0));
  aio.write();  // By another descriptor, which does not append, and so need not wait.
  ASSERT_TRUE(aio.transfers().wait_for_transfers(2));
  ASSERT_TRUE(aio.transfers().wait_until_idle());
  EXPECT_EQ(aio.transfers().submitted_transfers().size(), 2U);
  aio.end_transfer(0);
  EXPECT_TRUE(aio.transfers().wait_for_transfers(3));
}

// ---- Failures ----

TEST(AioFailure, Contract_S4_FailedWriteFailsTheSyncThatCoversItAndNotTheNext) {
  FakeAio aio;
  const auto write = aio.write();
  const auto covering = aio.sync();
  aio.end_transfer(0, ENOSPC);
  aio.end_sync(0);
  EXPECT_EQ(outcome_of(*write), ENOSPC);
  EXPECT_EQ(outcome_of(*covering), ENOSPC);
  const auto next = aio.sync();
  aio.end_sync(1);
  EXPECT_EQ(outcome_of(*next), 0);
}

TEST(AioFailure, Contract_S4_FailedReadFailsTheSyncThatCoversIt) {
  FakeAio aio;
  aio.read();
  const auto covering = aio.sync();
  aio.end_transfer(0, EIO);
  aio.end_sync(0);
  EXPECT_EQ(outcome_of(*covering), EIO);
}

TEST(AioFailure, Contract_S4_WriteThatTheFileSystemCancelledFailsTheSyncThatCoversIt) {
  FakeAio aio;
  const auto write = aio.write();
  const auto covering = aio.sync();
  aio.end_transfer(0, ECANCELED);
  aio.end_sync(0);
  EXPECT_EQ(outcome_of(*write), ECANCELED);
  EXPECT_EQ(outcome_of(*covering), ECANCELED);
}

TEST(AioFailure, Contract_S4_FailureOfALaterWriteIsNotTold) {
  FakeAio aio;
  const auto sync = aio.sync();
  aio.write();
  aio.end_transfer(0, EIO);
  aio.end_sync(0);
  EXPECT_EQ(outcome_of(*sync), 0);
}

TEST(AioFailure, Contract_E2_FailedSyncFailsThoseThatComeLater) {
  FakeAio aio;
  write_bytes(aio.files().fd(), 1);
  const auto sync = aio.sync();
  aio.end_sync(0, EIO);
  EXPECT_EQ(outcome_of(*sync), EIO);
  EXPECT_EQ(outcome_of(*aio.sync()), EIO);
  EXPECT_EQ(aio.syncs_when_idle(), 1U);
}

TEST(AioFailure, LossEndsWhenTheProgramAcceptsIt) {
  FakeAio aio;
  const auto failed = aio.sync();
  aio.end_sync(0, EIO);
  ASSERT_EQ(outcome_of(*failed), EIO);
  ASSERT_TRUE(aio.context().accept_loss(aio.files().fd()));
  const auto afresh = aio.sync();
  aio.end_sync(1);
  EXPECT_EQ(outcome_of(*afresh), 0);
}

TEST(AioFailure, Contract_E2_EmptyFileIsNoExcuse) {
  FakeAio aio;
  const auto failed = aio.sync();
  aio.end_sync(0, EIO);
  ASSERT_EQ(outcome_of(*failed), EIO);
  EXPECT_EQ(outcome_of(*aio.sync()), EIO);
}

TEST(AioFailure, AcceptingALossNeedsADescriptor) {
  FakeAio aio;
  const auto refused = aio.context().accept_loss(-1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), Errno(EBADF));
}

TEST(AioFailure, Contract_P5_FailedSyncIsNotReportedAsCovered) {
  FakeAio aio;
  const auto write = aio.write();
  const auto sync = aio.sync();
  aio.end_transfer(0);
  aio.end_sync(0, EDQUOT);
  EXPECT_EQ(outcome_of(*sync), EDQUOT);
  EXPECT_EQ(outcome_of(*write), 0);
}

TEST(AioFailure, Contract_B7_CancelledWriteFailsNoSync) {
  AioOptions options;
  options.max_transfers = 1;
  FakeAio aio(1, options);
  aio.write();
  ASSERT_TRUE(aio.transfers().wait_for_transfers(1));
  const auto waiting = aio.write();
  const auto sync = aio.sync();
  ASSERT_EQ(aio.context().cancel(*waiting), CancelOutcome::cancelled);
  EXPECT_EQ(outcome_of(*waiting), ECANCELED);
  aio.end_transfer(0);
  aio.end_sync(0);
  EXPECT_EQ(outcome_of(*sync), 0);
}

}  // namespace
}  // namespace sluice::testing
