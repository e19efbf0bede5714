#include <gtest/gtest.h>

#include "engine_harness.h"

// What a sync that failed, or never ran, means for everybody else.

namespace sluice::testing {
namespace {

/// A file whose first sync has failed with EIO.
class EngineFailure : public ::testing::Test {
 protected:
  void SetUp() override {
    harness_.answer_all(SyncAnswer::failure(EIO));
    ASSERT_EQ(harness_.sync(), EIO);
    harness_.answer_all(SyncAnswer::success());
  }

  FakeHarness harness_;
};

TEST_F(EngineFailure, Contract_E2_FailureSticksWithoutAskingTheDeviceAgain) {
  EXPECT_EQ(harness_.sync(SyncKind::full), EIO);
  EXPECT_EQ(harness_.sync(SyncKind::data), EIO);
  EXPECT_EQ(harness_.syncs_when_idle(), 1U);
}

TEST_F(EngineFailure, Contract_E2_LaterWritesDoNotCoverItUp) {
  harness_.mutate();
  EXPECT_EQ(harness_.sync(), EIO);
  harness_.mutate();
  EXPECT_EQ(harness_.sync(SyncKind::data), EIO);
}

TEST_F(EngineFailure, FailureIsCounted) {
  harness_.sync();
  EXPECT_EQ(harness_.engine().counters().full.sync_errors, 1U);
  EXPECT_EQ(harness_.engine().counters().full.failed, 2U);
}

TEST_F(EngineFailure, TruncationToNothingEndsIt) {
  harness_.empty();
  EXPECT_EQ(harness_.sync(), 0);
  EXPECT_EQ(harness_.syncs_when_idle(), 2U);
  EXPECT_EQ(harness_.sync(), 0);
}

TEST_F(EngineFailure, TruncationThatFailedDoesNotEndIt) {
  harness_.mutate();  // It never says emptied().
  EXPECT_EQ(harness_.sync(), EIO);
}

TEST_F(EngineFailure, NewFileWithTheSameKeyKnowsNothingOfIt) {
  harness_.engine().removed(harness_.files().key());
  harness_.engine().created(harness_.files().key());
  EXPECT_EQ(harness_.sync(), 0);
}

TEST_F(EngineFailure, RemovedFileThatIsStillOpenRemembersIt) {
  harness_.engine().removed(harness_.files().key());
  EXPECT_EQ(harness_.sync(), EIO);
}

// ---- More failures than can be remembered ----

/// Two files have failed, and one can be remembered.
class EngineFailsAsAWhole : public ::testing::Test {
 protected:
  static constexpr std::size_t kFiles = 4;
  static EngineOptions options() {
    EngineOptions options;
    options.max_inodes = 1;
    options.max_failed_inodes = 1;
    return options;
  }
  void SetUp() override {
    harness_.answer_all(SyncAnswer::success());
    ASSERT_EQ(harness_.sync(SyncKind::full, 2), 0);
    harness_.answer_all(SyncAnswer::failure(ENXIO));
    ASSERT_EQ(harness_.sync(SyncKind::full, 0), ENXIO);
    EXPECT_FALSE(harness_.engine().failure());
    ASSERT_EQ(harness_.sync(SyncKind::full, 1), ENXIO);
    harness_.answer_all(SyncAnswer::success());
  }
  void crowd() {
    for (ino_t other = 1; other <= 10'000; ++other) {
      const FileKey key{.device = 0, .inode = other};
      const OngoingMutation mutation = harness_.engine().begin(Mutation(key, MutationClass::data));
    }
  }

  FakeHarness harness_{kFiles, options()};
};

TEST_F(EngineFailsAsAWhole, EveryRequestIsToldTheError) {
  EXPECT_EQ(harness_.engine().failure(), Errno(ENXIO));
  EXPECT_EQ(harness_.sync(SyncKind::full, 2), ENXIO) << "durable before";
  EXPECT_EQ(harness_.sync(SyncKind::full, 3), ENXIO) << "never synced";
}

TEST_F(EngineFailsAsAWhole, FailedInodesMayBeForgottenThen) {
  crowd();
  EXPECT_EQ(harness_.sync(SyncKind::full, 0), ENXIO);
  EXPECT_EQ(harness_.sync(SyncKind::full, 1), ENXIO);
}

TEST_F(EngineFailsAsAWhole, NothingIsAcknowledgedEarly) {
  SyncOrder order = harness_.order(SyncKind::full, 3);
  order.acknowledge = Acknowledge::when_queued;
  EXPECT_EQ(answer_of(*harness_.submit(std::move(order))), ENXIO);
}

TEST_F(EngineFailsAsAWhole, DrainReportsIt) {
  crowd();
  const DrainReport report = harness_.engine().drain();
  EXPECT_GT(report.failed, 0U);
  EXPECT_EQ(report.error, Errno(ENXIO));
}

TEST(EngineFailures, FailuresThatHaveEndedDoNotFailTheEngine) {
  constexpr std::size_t kFiles = 20;
  EngineOptions options;
  options.max_failed_inodes = 1;
  FakeHarness harness(kFiles, options);
  for (std::size_t i = 0; i < kFiles; ++i) {
    harness.answer_all(SyncAnswer::failure(EIO));
    ASSERT_EQ(harness.sync(SyncKind::full, i), EIO);
    harness.answer_all(SyncAnswer::success());
    harness.empty(i);
    ASSERT_EQ(harness.sync(SyncKind::full, i), 0);
  }
  EXPECT_FALSE(harness.engine().failure());
}

TEST(EngineFailures, FailuresOfRemovedFilesDoNotFailTheEngine) {
  constexpr std::size_t kFiles = 20;
  EngineOptions options;
  options.max_failed_inodes = 1;
  FakeHarness harness(kFiles, options);
  harness.answer_all(SyncAnswer::failure(EIO));
  for (std::size_t i = 0; i < kFiles; ++i) {
    ASSERT_EQ(harness.sync(SyncKind::full, i), EIO);
    harness.engine().removed(harness.files().key(i));
  }
  EXPECT_FALSE(harness.engine().failure());
}

TEST(EngineFailures, FailuresOfFilesThatWereReplacedDoNotFailTheEngine) {
  constexpr std::size_t kFiles = 20;
  EngineOptions options;
  options.max_failed_inodes = 1;
  FakeHarness harness(kFiles, options);
  harness.answer_all(SyncAnswer::failure(EIO));
  for (std::size_t i = 0; i < kFiles; ++i) {
    ASSERT_EQ(harness.sync(SyncKind::full, i), EIO);
    harness.engine().created(harness.files().key(i));
  }
  EXPECT_FALSE(harness.engine().failure());
}

// ---- One failure ----

TEST(EngineFailures, OtherFilesAreUnharmed) {
  FakeHarness harness(2);
  harness.answer_all(SyncAnswer::failure(EIO));
  ASSERT_EQ(harness.sync(SyncKind::full, 0), EIO);
  harness.answer_all(SyncAnswer::success());
  EXPECT_EQ(harness.sync(SyncKind::full, 1), 0);
}

TEST(EngineFailures, Contract_P5_EveryRequestThatTheSyncServedFails) {
  FakeHarness harness;
  const auto first = harness.submit();
  ASSERT_TRUE(harness.backend().wait_for_submissions(1));
  const auto joined = harness.submit(SyncKind::data);
  harness.backend().end_nth(0, SyncAnswer::failure(ENOSPC));
  EXPECT_EQ(answer_of(*first), ENOSPC);
  EXPECT_EQ(answer_of(*joined), ENOSPC);
}

TEST(EngineFailures, WriteDuringTheSyncThatFailedIsLostToo) {
  FakeHarness harness;
  harness.submit();
  ASSERT_TRUE(harness.backend().wait_for_submissions(1));
  harness.mutate();
  const auto during = harness.submit();
  harness.backend().end_nth(0, SyncAnswer::failure(EIO));
  EXPECT_EQ(answer_of(*during), EIO);
  EXPECT_EQ(harness.syncs_when_idle(), 1U);
}

TEST(EngineFailures, DataThatWereDurableBeforeAreNotLost) {
  FakeHarness harness;
  harness.make_clean();
  harness.mutate(MutationClass::metadata);
  harness.answer_all(SyncAnswer::failure(EIO));
  ASSERT_EQ(harness.sync(SyncKind::full), EIO);
  EXPECT_EQ(harness.sync(SyncKind::data), 0);
}

TEST(EngineFailures, FailedDataSyncFailsAFullRequest) {
  FakeHarness harness;
  harness.answer_all(SyncAnswer::failure(EIO));
  ASSERT_EQ(harness.sync(SyncKind::data), EIO);
  harness.answer_all(SyncAnswer::success());
  EXPECT_EQ(harness.sync(SyncKind::full), EIO);
}

TEST(EngineFailures, SyncThatNeverRanIsSubmittedAgain) {
  FakeHarness harness;
  const auto request = harness.submit();
  ASSERT_TRUE(harness.backend().wait_for_submissions(1));
  harness.backend().end_nth(0, SyncAnswer::never_ran());
  ASSERT_TRUE(harness.backend().wait_for_submissions(2));
  EXPECT_EQ(request->status(), SyncStatus::in_progress);
  harness.backend().end_nth(1, SyncAnswer::success());
  EXPECT_EQ(answer_of(*request), 0);
}

// Whatever interrupts it every time, an engine that must stop cannot wait for it to end.
TEST(EngineFailures, SyncThatNeverRunsHoweverOftenItIsSubmittedFails) {
  FakeHarness harness;
  harness.answer_all(SyncAnswer::never_ran());
  EXPECT_EQ(harness.sync(), EINTR);
  harness.answer_all(SyncAnswer::success());
  EXPECT_EQ(harness.sync(), EINTR);
}

TEST(EngineFailures, SyncsThatNeverRanNowAndThenDoNotAddUp) {
  FakeHarness harness;
  int submissions = 0;
  harness.backend().answer_by([&](const SubmittedSync&) -> std::optional<SyncAnswer> {
    return ++submissions % 2 == 0 ? SyncAnswer::success() : SyncAnswer::never_ran();
  });
  for (int i = 0; i < 1000; ++i) {
    harness.mutate();
    ASSERT_EQ(harness.sync(), 0);
  }
}

TEST(EngineFailures, SyncThatNeverRanMakesNothingDurable) {
  FakeHarness harness;
  auto write = std::make_unique<OngoingMutation>(harness.begin());
  const auto request = harness.submit();
  write.reset();
  ASSERT_TRUE(harness.backend().wait_for_submissions(1));
  harness.backend().end_nth(0, SyncAnswer::never_ran());
  ASSERT_TRUE(harness.backend().wait_for_submissions(2));
  harness.backend().end_nth(1, SyncAnswer::failure(EIO));
  EXPECT_EQ(answer_of(*request), EIO);
}

TEST(EngineFailures, FailedWriteOutOfMappedPagesFailsThoseWhoWait) {
  FakeHarness harness;
  const auto request = harness.submit();
  ASSERT_TRUE(harness.backend().wait_for_submissions(1));
  harness.engine().writeback_failed(harness.files().key(), Errno(EIO));
  EXPECT_EQ(answer_of(*request), EIO);
}

TEST(EngineFailures, FailedWriteOutOfMappedPagesSticksOnACleanFile) {
  FakeHarness harness;
  harness.make_clean();
  harness.engine().writeback_failed(harness.files().key(), Errno(EDQUOT));
  EXPECT_EQ(harness.sync(SyncKind::data), EDQUOT);
  EXPECT_EQ(harness.sync(SyncKind::full), EDQUOT);
}

// A FUSE kernel would take it to mean that there is no fsync, and answer all later ones itself with success.
TEST(EngineFailures, EnosysOfAFailedWriteOutLeavesAsEio) {
  FakeHarness harness;
  harness.engine().writeback_failed(harness.files().key(), Errno(ENOSYS));
  EXPECT_EQ(harness.sync(), EIO);
}

TEST(EngineFailures, AnswerThatComesFromAFailedWriteOutIsGivenOnce) {
  FakeHarness harness;
  Answers answers;
  SyncOrder order = harness.order();
  order.callback = answers.callback();
  harness.submit(std::move(order));
  ASSERT_TRUE(harness.backend().wait_for_submissions(1));
  harness.engine().writeback_failed(harness.files().key(), Errno(EIO));
  harness.backend().end_nth(0, SyncAnswer::success());
  harness.syncs_when_idle();
  EXPECT_EQ(answers.so_far(), std::vector<int>{EIO});
}

}  // namespace
}  // namespace sluice::testing
