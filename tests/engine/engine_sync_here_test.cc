#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <deque>
#include <future>
#include <memory>
#include <utility>

#include "engine_harness.h"

// Orders whose submitter may be held up: when the engine makes the sync on the submitter's thread.

namespace sluice::testing {
namespace {

bool was_here(const SubmittedSync& sync) {
  return sync.token.number() >= FakeBackend::kHere;
}

class SyncHere : public ::testing::Test {
 protected:
  using Submitted = std::shared_future<std::shared_ptr<SyncRequest>>;

  SyncOrder order(std::size_t file = 0) {
    SyncOrder order = fake_.order(SyncKind::full, file);
    order.may_sync_here = true;
    return order;
  }
  void TearDown() override {
    fake_.answer_all(SyncAnswer::success());
    for (const Submitted& submitted : submitted_) submitted.wait();
  }

  /// Submits on a thread of its own, which may be held up.
  const Submitted& submit(SyncOrder order) {
    const auto shared = std::make_shared<SyncOrder>(std::move(order));
    submitted_.push_back(
        std::async(std::launch::async, [this, shared] { return fake_.submit(std::move(*shared)); }));
    return submitted_.back();
  }
  static bool returns(const Submitted& submitted) {
    return submitted.wait_for(FakeBackend::kPatience) == std::future_status::ready;
  }
  static bool is_held_up(const Submitted& submitted) {
    return submitted.wait_for(std::chrono::seconds(0)) == std::future_status::timeout;
  }
  FakeBackend& backend() { return fake_.backend(); }

  FakeHarness fake_{3};
  std::deque<Submitted> submitted_;
};

TEST_F(SyncHere, MadeByTheSubmitter) {
  const Submitted& submitted = submit(order());
  ASSERT_TRUE(backend().wait_for_submissions(1));
  EXPECT_TRUE(was_here(backend().submitted()[0]));
  EXPECT_TRUE(is_held_up(submitted));
  backend().end_nth(0, SyncAnswer::success());
  ASSERT_TRUE(returns(submitted));
  EXPECT_EQ(submitted.get()->status(), SyncStatus::done);
  EXPECT_EQ(backend().wakes(), 0U);
}

TEST_F(SyncHere, NotWithoutPermission) {
  const auto request = fake_.submit();
  ASSERT_TRUE(backend().wait_for_submissions(1));
  EXPECT_FALSE(was_here(backend().submitted()[0]));
}

TEST_F(SyncHere, MadeBesideOthers) {
  const auto first = fake_.submit(SyncKind::full, 1);
  ASSERT_TRUE(backend().wait_for_submissions(1));
  submit(order());
  ASSERT_TRUE(backend().wait_for_submissions(2));
  EXPECT_TRUE(was_here(backend().submitted()[1]));
  submit(order(2));
  ASSERT_TRUE(backend().wait_for_submissions(3));
  EXPECT_TRUE(was_here(backend().submitted()[2]));
}

TEST_F(SyncHere, HoldsUpNoOther) {
  const Submitted& held_up = submit(order());
  ASSERT_TRUE(backend().wait_for_submissions(1));
  const Submitted& second = submit(order(1));
  ASSERT_TRUE(backend().wait_for_submissions(2));
  backend().end_nth(1, SyncAnswer::success());
  ASSERT_TRUE(returns(second));
  EXPECT_EQ(answer_of(*second.get()), 0);
  EXPECT_TRUE(is_held_up(held_up));
}

TEST_F(SyncHere, TheNextOneIsMadeSoAgain) {
  for (std::size_t i = 0; i < 3; ++i) {
    fake_.mutate();
    const Submitted& submitted = submit(order());
    ASSERT_TRUE(backend().wait_for_submissions(i + 1));
    EXPECT_TRUE(was_here(backend().submitted()[i]));
    backend().end_nth(i, SyncAnswer::success());
    ASSERT_TRUE(returns(submitted));
  }
}

TEST_F(SyncHere, WriteMeanwhileNeedsAnotherSyncWhichTheEngineMakes) {
  const Submitted& submitted = submit(order());
  ASSERT_TRUE(backend().wait_for_submissions(1));
  fake_.mutate();
  const auto later = fake_.submit();
  backend().end_nth(0, SyncAnswer::success());
  EXPECT_TRUE(returns(submitted));
  ASSERT_TRUE(backend().wait_for_submissions(2));
  EXPECT_EQ(later->status(), SyncStatus::in_progress);
  EXPECT_FALSE(was_here(backend().submitted()[1]));
  backend().end_nth(1, SyncAnswer::success());
  EXPECT_EQ(answer_of(*later), 0);
}

TEST_F(SyncHere, BarrierWithoutAWriteMeanwhileJoinsIt) {
  const Submitted& submitted = submit(order());
  ASSERT_TRUE(backend().wait_for_submissions(1));
  const auto joined = fake_.submit();
  backend().end_nth(0, SyncAnswer::success());
  EXPECT_EQ(answer_of(*joined), 0);
  EXPECT_TRUE(returns(submitted));
  EXPECT_EQ(backend().submitted().size(), 1U);
}

TEST_F(SyncHere, FailureIsToldToWhoeverItServedAndRemembered) {
  const Submitted& submitted = submit(order());
  ASSERT_TRUE(backend().wait_for_submissions(1));
  const auto joined = fake_.submit();
  backend().end_nth(0, SyncAnswer::failure(EIO));
  ASSERT_TRUE(returns(submitted));
  EXPECT_EQ(answer_of(*submitted.get()), EIO);
  EXPECT_EQ(answer_of(*joined), EIO);
  EXPECT_EQ(answer_of(*fake_.submit()), EIO);
}

TEST_F(SyncHere, WhatNeverRanIsMadeByTheEngine) {
  const Submitted& submitted = submit(order());
  ASSERT_TRUE(backend().wait_for_submissions(1));
  backend().end_nth(0, SyncAnswer::never_ran());
  ASSERT_TRUE(backend().wait_for_submissions(2));
  EXPECT_FALSE(was_here(backend().submitted()[1]));
  backend().end_nth(1, SyncAnswer::success());
  ASSERT_TRUE(returns(submitted));
  EXPECT_EQ(answer_of(*submitted.get()), 0);
}

TEST_F(SyncHere, AcknowledgedWhenQueuedHoldsUpNobody) {
  SyncOrder early = order();
  early.acknowledge = Acknowledge::when_queued;
  const Submitted& submitted = submit(std::move(early));
  ASSERT_TRUE(returns(submitted));
  ASSERT_TRUE(backend().wait_for_submissions(1));
  EXPECT_FALSE(was_here(backend().submitted()[0]));
}

TEST_F(SyncHere, WaitsForNoMutationThatIsUnderWay) {
  const OngoingMutation mutation = fake_.begin();
  const Submitted& submitted = submit(order());
  EXPECT_TRUE(returns(submitted));
  EXPECT_TRUE(backend().submitted().empty());
}

TEST(SyncHereLimit, LeftToTheEngineWhenAsManyAreUnderWayAsMayBe) {
  FakeHarness fake(2, {}, 1);
  const auto first = fake.submit(SyncKind::full, 1);
  ASSERT_TRUE(fake.backend().wait_for_submissions(1));
  SyncOrder order = fake.order();
  order.may_sync_here = true;
  auto submitted = std::async(std::launch::async, [&] { return fake.submit(std::move(order)); });
  const auto second = submitted.get();  // Is not held up.
  fake.backend().end_nth(0, SyncAnswer::success());
  ASSERT_TRUE(fake.backend().wait_for_submissions(2));
  EXPECT_FALSE(was_here(fake.backend().submitted()[1]));
  fake.backend().end_all(SyncAnswer::success());
  EXPECT_EQ(answer_of(*second), 0);
}

TEST(SyncHereLimit, CountsAsOneOfTheSyncsAtOnce) {
  FakeHarness fake(2, {}, 1);
  SyncOrder order = fake.order();
  order.may_sync_here = true;
  auto submitted = std::async(std::launch::async, [&] { return fake.submit(std::move(order)); });
  ASSERT_TRUE(fake.backend().wait_for_submissions(1));
  const auto second = fake.submit(SyncKind::full, 1);
  ASSERT_TRUE(fake.backend().wait_until_idle());
  EXPECT_EQ(fake.backend().submitted().size(), 1U);
  fake.backend().end_nth(0, SyncAnswer::success());
  EXPECT_TRUE(fake.backend().wait_for_submissions(2));
  fake.backend().end_all(SyncAnswer::success());
  EXPECT_EQ(answer_of(*second), 0);
  EXPECT_EQ(answer_of(*submitted.get()), 0);
}

TEST_F(SyncHere, StopWaitsForIt) {
  const Submitted& submitted = submit(order());
  ASSERT_TRUE(backend().wait_for_submissions(1));
  auto stopped = std::async(std::launch::async, [&] { fake_.engine().stop(); });
  // Refused, so it has begun to stop.
  while (fake_.engine().submit_detached(fake_.order(SyncKind::full, 2))) {
  }
  EXPECT_EQ(stopped.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  backend().end_all(SyncAnswer::success());
  EXPECT_TRUE(returns(submitted));
  while (stopped.wait_for(std::chrono::milliseconds(1)) != std::future_status::ready)
    backend().end_all(SyncAnswer::success());
}

}  // namespace
}  // namespace sluice::testing
