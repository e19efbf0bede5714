#include <gtest/gtest.h>

#include "engine_harness.h"

// What a sync covers, when its backing sync may begin, and whom it serves.

namespace sluice::testing {
namespace {

bool in_progress(const std::shared_ptr<SyncRequest>& request) {
  return request->status() == SyncStatus::in_progress;
}

// ---- When a backing sync begins ----

TEST(EngineCover, Contract_P2_CoverIsTakenWhenSubmittedNotWhenPrepared) {
  FakeHarness harness;
  harness.make_clean();
  SyncOrder prepared = harness.order();
  harness.mutate();
  const auto request = harness.submit(std::move(prepared));
  EXPECT_EQ(harness.syncs_when_idle(), 2U);
  EXPECT_TRUE(in_progress(request));
}

TEST(EngineCover, Contract_P3_SubmitReturnsThoughTheDataCannotBeSyncedYet) {
  FakeHarness harness;
  const OngoingMutation write = harness.begin();
  const auto request = harness.submit();
  EXPECT_EQ(harness.syncs_when_idle(), 0U);
  EXPECT_TRUE(in_progress(request));
}

TEST(EngineCover, Contract_P3_SubmitReturnsWhileTheDeviceIsBusy) {
  FakeHarness harness;
  const auto request = harness.submit();
  EXPECT_TRUE(harness.backend().wait_for_submissions(1));
  EXPECT_TRUE(in_progress(request));
}

TEST(EngineCover, Contract_F2_SyncBeginsWhenEveryEarlierMutationHasEnded) {
  FakeHarness harness;
  auto first = std::make_unique<OngoingMutation>(harness.begin());
  auto second = std::make_unique<OngoingMutation>(harness.begin());
  harness.submit();
  second.reset();
  EXPECT_EQ(harness.syncs_when_idle(), 0U);
  first.reset();
  EXPECT_TRUE(harness.backend().wait_for_submissions(1));
}

TEST(EngineCover, Contract_F3_LaterMutationDoesNotDelayTheSync) {
  FakeHarness harness;
  harness.mutate();
  auto earlier = std::make_unique<OngoingMutation>(harness.begin());
  const auto request = harness.submit();
  const OngoingMutation later = harness.begin();
  earlier.reset();
  ASSERT_TRUE(harness.backend().wait_for_submissions(1));
  harness.backend().end_nth(0, SyncAnswer::success());
  EXPECT_EQ(answer_of(*request), 0);
}

TEST(EngineCover, Contract_S3_AnswerComesOnlyWhenTheSyncHasEnded) {
  FakeHarness harness(2);
  const auto held = harness.submit(SyncKind::full, 0);
  const auto other = harness.submit(SyncKind::full, 1);
  ASSERT_TRUE(harness.backend().wait_for_submissions(2));
  harness.backend().end_nth(1, SyncAnswer::success());
  EXPECT_EQ(answer_of(*other), 0);
  EXPECT_TRUE(in_progress(held));
}

TEST(EngineCover, SecondSyncOfAnInodeWaitsForTheFirst) {
  FakeHarness harness;
  harness.submit();
  ASSERT_TRUE(harness.backend().wait_for_submissions(1));
  harness.mutate();
  harness.submit();
  EXPECT_EQ(harness.syncs_when_idle(), 1U);
  harness.backend().end_nth(0, SyncAnswer::success());
  EXPECT_TRUE(harness.backend().wait_for_submissions(2));
}

TEST(EngineCover, Contract_E5_SlowSyncDoesNotDelayAnotherInode) {
  FakeHarness harness(2);
  harness.submit(SyncKind::full, 0);
  ASSERT_TRUE(harness.backend().wait_for_submissions(1));
  const auto other = harness.submit(SyncKind::full, 1);
  ASSERT_TRUE(harness.backend().wait_for_submissions(2));
  harness.backend().end_nth(1, SyncAnswer::success());
  EXPECT_EQ(answer_of(*other), 0);
}

TEST(EngineCover, Contract_E5_ManySlowSyncsRunAtOnce) {
  constexpr std::size_t kFiles = 64;
  FakeHarness harness(kFiles);
  for (std::size_t i = 0; i < kFiles; ++i) harness.submit(SyncKind::full, i);
  EXPECT_TRUE(harness.backend().wait_for_submissions(kFiles));
  EXPECT_EQ(harness.backend().in_flight().size(), kFiles);
}

// ---- Whom a backing sync serves ----

TEST(EngineCover, Contract_P6_SyncBegunBeforeAWriteDoesNotServeIt) {
  FakeHarness harness;
  const auto before = harness.submit();
  ASSERT_TRUE(harness.backend().wait_for_submissions(1));
  harness.mutate();
  const auto after = harness.submit();
  harness.backend().end_nth(0, SyncAnswer::success());
  EXPECT_EQ(answer_of(*before), 0);
  ASSERT_TRUE(harness.backend().wait_for_submissions(2));
  EXPECT_TRUE(in_progress(after));
  harness.backend().end_nth(1, SyncAnswer::success());
  EXPECT_EQ(answer_of(*after), 0);
}

TEST(EngineCover, Contract_E1_SyncBegunDuringAWriteDoesNotServeIt) {
  FakeHarness harness;
  auto earlier = std::make_unique<OngoingMutation>(harness.begin());
  const auto first = harness.submit();
  auto later = std::make_unique<OngoingMutation>(harness.begin());
  earlier.reset();
  ASSERT_TRUE(harness.backend().wait_for_submissions(1));
  later.reset();
  const auto second = harness.submit();
  harness.backend().end_nth(0, SyncAnswer::success());
  EXPECT_EQ(answer_of(*first), 0);
  ASSERT_TRUE(harness.backend().wait_for_submissions(2));
  EXPECT_TRUE(in_progress(second));
}

TEST(EngineCover, Contract_E1_WriteThroughAnyDescriptorIsCovered) {
  FakeHarness harness;
  harness.make_clean();
  const SharedFd other = harness.files().reopen();
  harness.mutate();  // The epochs belong to the inode, so it does not matter by which descriptor.
  SyncOrder order = harness.order();
  order.descriptor = other;
  const auto request = harness.submit(std::move(order));
  EXPECT_EQ(harness.syncs_when_idle(), 2U);
  EXPECT_TRUE(in_progress(request));
}

TEST(EngineCover, Contract_E4_SyncThatCoversARequestIsJoined) {
  FakeHarness harness;
  const auto first = harness.submit();
  ASSERT_TRUE(harness.backend().wait_for_submissions(1));
  const auto second = harness.submit();
  EXPECT_EQ(harness.syncs_when_idle(), 1U);
  harness.backend().end_nth(0, SyncAnswer::success());
  EXPECT_EQ(answer_of(*first), 0);
  EXPECT_EQ(answer_of(*second), 0);
  EXPECT_EQ(harness.syncs_when_idle(), 1U);
  EXPECT_EQ(harness.engine().counters().full.joined, 1U);
}

TEST(EngineCover, Contract_E4_NextSyncServesAllWhoWait) {
  constexpr std::size_t kRequests = 20;
  FakeHarness harness;
  harness.submit();
  ASSERT_TRUE(harness.backend().wait_for_submissions(1));
  std::vector<std::shared_ptr<SyncRequest>> requests;
  for (std::size_t i = 0; i < kRequests; ++i) {
    harness.mutate();
    requests.push_back(harness.submit(i % 2 == 0 ? SyncKind::full : SyncKind::data));
  }
  harness.answer_all(SyncAnswer::success());
  for (const auto& request : requests) EXPECT_EQ(answer_of(*request), 0);
  EXPECT_EQ(harness.syncs_when_idle(), 2U);
}

TEST(EngineCover, Contract_E4_RunningDataSyncDoesNotServeAFullRequest) {
  FakeHarness harness;
  const auto data = harness.submit(SyncKind::data);
  ASSERT_TRUE(harness.backend().wait_for_submissions(1));
  const auto full = harness.submit(SyncKind::full);
  harness.backend().end_nth(0, SyncAnswer::success());
  EXPECT_EQ(answer_of(*data), 0);
  ASSERT_TRUE(harness.backend().wait_for_submissions(2));
  EXPECT_TRUE(in_progress(full));
  EXPECT_EQ(harness.backend().submitted()[0].kind, SyncKind::data);
  EXPECT_EQ(harness.backend().submitted()[1].kind, SyncKind::full);
}

TEST(EngineCover, Contract_E4_RunningFullSyncServesADataRequest) {
  FakeHarness harness;
  harness.submit(SyncKind::full);
  ASSERT_TRUE(harness.backend().wait_for_submissions(1));
  const auto data = harness.submit(SyncKind::data);
  harness.backend().end_nth(0, SyncAnswer::success());
  EXPECT_EQ(answer_of(*data), 0);
  EXPECT_EQ(harness.syncs_when_idle(), 1U);
}

TEST(EngineCover, MutationOfFourInodesDirtiesEach) {
  FakeHarness harness(4);
  for (std::size_t i = 0; i < 4; ++i) harness.make_clean(i);
  {
    Mutation rename;
    for (std::size_t i = 0; i < 4; ++i) rename.touches(harness.files().key(i), MutationClass::data);
    const OngoingMutation ongoing = harness.engine().begin(rename);
    for (std::size_t i = 0; i < 4; ++i) harness.submit(SyncKind::full, i);
    EXPECT_EQ(harness.syncs_when_idle(), 4U);  // Those of make_clean().
  }
  EXPECT_TRUE(harness.backend().wait_for_submissions(8));
}

TEST(EngineCover, MutationThatWasMovedEndsOnce) {
  FakeHarness harness;
  harness.make_clean();
  {
    OngoingMutation first = harness.begin();
    const OngoingMutation second = std::move(first);
    harness.submit();
    EXPECT_EQ(harness.syncs_when_idle(), 1U);
  }
  EXPECT_TRUE(harness.backend().wait_for_submissions(2));
}

}  // namespace
}  // namespace sluice::testing
