#include <gtest/gtest.h>

#include <memory>

#include "engine_harness.h"

// What the library asks of the engine beyond the mount: operations whose failure is told to the syncs that
// cover them, and files that are written without the engine's knowledge.

namespace sluice::testing {
namespace {

class EngineCoveredFailure : public ::testing::Test {
 protected:
  EngineCoveredFailure() { harness_.make_clean(); }

  std::unique_ptr<OngoingMutation> begin() { return std::make_unique<OngoingMutation>(harness_.begin()); }
  static void end_with(std::unique_ptr<OngoingMutation>& mutation, int error) {
    mutation->fail(Errno(error));
    mutation.reset();
  }

  FakeHarness harness_;
};

TEST_F(EngineCoveredFailure, Contract_S4_SyncThatCoversItFailsWhenItsOwnSyncHasEnded) {
  auto write = begin();
  const auto request = harness_.submit();
  end_with(write, ENOSPC);
  ASSERT_TRUE(harness_.backend().wait_for_submissions(2));
  EXPECT_EQ(request->status(), SyncStatus::in_progress);
  harness_.backend().end_nth(1, SyncAnswer::success());
  EXPECT_EQ(answer_of(*request), ENOSPC);
}

TEST_F(EngineCoveredFailure, Contract_S4_SyncQueuedBeforeItIsUnharmed) {
  auto earlier = begin();
  const auto request = harness_.submit();
  auto write = begin();
  end_with(write, ENOSPC);
  earlier.reset();
  ASSERT_TRUE(harness_.backend().wait_for_submissions(2));
  harness_.backend().end_nth(1, SyncAnswer::success());
  EXPECT_EQ(answer_of(*request), 0);
}

TEST_F(EngineCoveredFailure, Contract_S4_SyncQueuedAfterItIsJudgedAfresh) {
  auto write = begin();
  end_with(write, ENOSPC);
  harness_.answer_all(SyncAnswer::success());
  EXPECT_EQ(harness_.sync(), 0);
}

TEST_F(EngineCoveredFailure, Contract_S4_EverySyncThatCoversItFails) {
  auto write = begin();
  const auto data = harness_.submit(SyncKind::data);
  const auto full = harness_.submit(SyncKind::full);
  end_with(write, EIO);
  harness_.answer_all(SyncAnswer::success());
  EXPECT_EQ(answer_of(*data), EIO);
  EXPECT_EQ(answer_of(*full), EIO);
}

TEST_F(EngineCoveredFailure, FirstOfTwoIsTold) {
  auto first = begin();
  auto second = begin();
  const auto request = harness_.submit();
  end_with(second, EDQUOT);
  end_with(first, ENOSPC);
  harness_.answer_all(SyncAnswer::success());
  EXPECT_EQ(answer_of(*request), EDQUOT);
}

TEST_F(EngineCoveredFailure, OtherFilesAreUnharmed) {
  FakeHarness two(2);
  OngoingMutation write = two.begin(MutationClass::data, 0);
  const auto request = two.submit(SyncKind::full, 1);
  write.fail(Errno(EIO));
  two.answer_all(SyncAnswer::success());
  EXPECT_EQ(answer_of(*request), 0);
}

class EngineUnseenWrites : public ::testing::Test {
 protected:
  EngineUnseenWrites() : harness_(1, {.opaque = true}) {}
  std::shared_ptr<SyncRequest> submit(SyncKind kind = SyncKind::full) { return harness_.submit(kind); }

  FakeHarness harness_;
};

TEST_F(EngineUnseenWrites, Contract_E3_SyncOfADurableFileIsMadeAllTheSame) {
  harness_.answer_all(SyncAnswer::success());
  EXPECT_EQ(answer_of(*submit()), 0);
  EXPECT_EQ(answer_of(*submit()), 0);
  EXPECT_EQ(harness_.syncs_when_idle(), 2U);
}

TEST_F(EngineUnseenWrites, Contract_E3_SyncThatBeganEarlierDoesNotServe) {
  submit();
  ASSERT_TRUE(harness_.backend().wait_for_submissions(1));
  const auto later = submit();
  harness_.backend().end_nth(0, SyncAnswer::success());
  ASSERT_TRUE(harness_.backend().wait_for_submissions(2));
  EXPECT_EQ(later->status(), SyncStatus::in_progress);
  harness_.backend().end_nth(1, SyncAnswer::success());
  EXPECT_EQ(answer_of(*later), 0);
}

TEST_F(EngineUnseenWrites, Contract_E4_SyncThatBeginsLaterServesAllWhoWait) {
  submit();
  ASSERT_TRUE(harness_.backend().wait_for_submissions(1));
  const auto second = submit(SyncKind::data);
  const auto third = submit(SyncKind::full);
  harness_.answer_all(SyncAnswer::success());
  EXPECT_EQ(answer_of(*second), 0);
  EXPECT_EQ(answer_of(*third), 0);
  EXPECT_EQ(harness_.syncs_when_idle(), 2U);
}

}  // namespace
}  // namespace sluice::testing
