#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <thread>
#include <vector>

#include "engine_harness.h"

// The life of a request: status, answer, callback, cancelling, limits, order.

namespace sluice::testing {
namespace {

/// Runs a function when it is told the result, and reports to `answers` after that.
class RunThenReport final : public SyncCallback {
 public:
  RunThenReport(Answers& answers, std::function<void()> action)
      : report_(answers.callback()), action_(std::move(action)) {}
  void sync_done(Result<void> result) noexcept override {
    action_();
    report_->sync_done(result);
  }

 private:
  std::unique_ptr<SyncCallback> report_;
  std::function<void()> action_;
};

EngineOptions with_max_requests(std::size_t max_requests) {
  EngineOptions options;
  options.max_requests = max_requests;
  return options;
}

SyncOrder prioritised(SyncOrder order, int priority) {
  order.priority = Priority(priority);
  return order;
}

SyncOrder promise(const FakeHarness& harness, std::size_t file) {
  SyncOrder order = harness.order(SyncKind::full, file);
  order.acknowledge = Acknowledge::when_queued;
  return order;
}

// ---- Status and result ----

TEST(EngineRequest, Contract_S2_StatusIsInProgressUntilTheAnswer) {
  FakeHarness harness;
  const auto request = harness.submit();
  ASSERT_TRUE(harness.backend().wait_for_submissions(1));
  EXPECT_EQ(request->status(), SyncStatus::in_progress);
  harness.backend().end_nth(0, SyncAnswer::success());
  EXPECT_EQ(answer_of(*request), 0);
  EXPECT_EQ(request->status(), SyncStatus::done);
}

TEST(EngineRequest, Contract_B6_ErrorOfTheSyncIsTheResult) {
  FakeHarness harness;
  harness.answer_all(SyncAnswer::failure(EINVAL));
  const auto request = harness.submit();
  EXPECT_EQ(answer_of(*request), EINVAL);
  EXPECT_EQ(error_of(request->result()), EINVAL);
}

TEST(EngineRequest, WaitingForTheAnswerCanTimeOut) {
  FakeHarness harness;
  const auto request = harness.submit();
  EXPECT_FALSE(request->wait_until(std::chrono::steady_clock::now()).has_value());
}

TEST(EngineRequest, RequestOutlivesTheEngine) {
  FakeHarness harness;
  const auto request = harness.submit();
  harness.answer_all(SyncAnswer::success());
  harness.end_engine();
  EXPECT_EQ(request->status(), SyncStatus::done);
  EXPECT_EQ(error_of(request->result()), 0);
}

TEST(EngineRequest, DroppedRequestIsSyncedAndReported) {
  FakeHarness harness;
  Answers answers;
  SyncOrder order = harness.order();
  order.callback = answers.callback();
  harness.submit(std::move(order)).reset();
  harness.answer_all(SyncAnswer::success());
  EXPECT_TRUE(answers.wait_for(1));
}

// ---- Callbacks ----

TEST(EngineRequest, Contract_F2_CallbackIsToldTheErrorOnce) {
  FakeHarness harness;
  Answers answers;
  SyncOrder order = harness.order();
  order.callback = answers.callback();
  harness.submit(std::move(order));
  harness.answer_all(SyncAnswer::failure(EIO));
  ASSERT_TRUE(answers.wait_for(1));
  harness.end_engine();
  EXPECT_EQ(answers.so_far(), std::vector<int>{EIO});
}

TEST(EngineRequest, CallbackOfAnAnswerThatIsKnownAtOnceIsCalledWithinSubmit) {
  FakeHarness harness;
  harness.make_clean();
  Answers answers;
  SyncOrder order = harness.order();
  order.callback = answers.callback();
  harness.submit(std::move(order));
  EXPECT_EQ(answers.so_far(), std::vector<int>{0});
}

TEST(EngineRequest, RequestIsDoneWhenItsCallbackIsCalled) {
  FakeHarness harness;
  Answers answers;
  std::promise<std::shared_ptr<SyncRequest>> submitted;
  std::shared_future<std::shared_ptr<SyncRequest>> request = submitted.get_future();
  SyncStatus seen = SyncStatus::in_progress;
  SyncOrder order = harness.order();
  order.callback = std::make_unique<RunThenReport>(answers, [&] { seen = request.get()->status(); });
  submitted.set_value(harness.submit(std::move(order)));
  harness.answer_all(SyncAnswer::success());
  ASSERT_TRUE(answers.wait_for(1));
  EXPECT_EQ(seen, SyncStatus::done);
}

/// Everything that takes a lock of the engine.
void touch_everything(FakeHarness& harness, Answers& answers) {
  harness.mutate();
  SyncOrder order = harness.order();
  order.callback = answers.callback();
  const auto request = harness.submit(std::move(order));
  harness.engine().cancel(*request);
  harness.engine().hold_descriptor(harness.files().key(), harness.files().descriptor());
  static_cast<void>(harness.engine().counters());
}

TEST(EngineRequest, CallbackOnTheEnginesThreadIsUnderNoLock) {
  FakeHarness harness;
  Answers answers;
  SyncOrder order = harness.order();
  order.callback = std::make_unique<RunThenReport>(answers, [&] { touch_everything(harness, answers); });
  harness.submit(std::move(order));
  harness.answer_all(SyncAnswer::success());
  EXPECT_TRUE(answers.wait_for(2));
}

TEST(EngineRequest, CallbackOnTheCallersThreadIsUnderNoLock) {
  FakeHarness harness;
  harness.make_clean();
  harness.answer_all(SyncAnswer::success());
  Answers answers;
  SyncOrder order = harness.order();
  order.callback = std::make_unique<RunThenReport>(answers, [&] { touch_everything(harness, answers); });
  harness.submit(std::move(order));
  EXPECT_TRUE(answers.wait_for(2));
}

TEST(EngineRequest, CallbackOfACancelledRequestIsUnderNoLock) {
  FakeHarness harness;
  Answers answers;
  const OngoingMutation write = harness.begin();
  SyncOrder order = harness.order();
  order.callback = std::make_unique<RunThenReport>(answers, [&] { touch_everything(harness, answers); });
  const auto request = harness.submit(std::move(order));
  EXPECT_EQ(harness.engine().cancel(*request), CancelOutcome::cancelled);
  EXPECT_TRUE(answers.wait_for(2));
}

TEST(EngineRequest, Contract_S5_DetachedSyncStillHappens) {
  FakeHarness harness;
  EXPECT_TRUE(harness.engine().submit_detached(harness.order()));
  EXPECT_TRUE(harness.backend().wait_for_submissions(1));
}

// ---- Acknowledged when queued ----

TEST(EngineRequest, AcknowledgedWhenQueuedIsAnsweredBeforeTheDevice) {
  FakeHarness harness;
  SyncOrder order = harness.order();
  order.acknowledge = Acknowledge::when_queued;
  const auto request = harness.submit(std::move(order));
  EXPECT_EQ(request->status(), SyncStatus::done);
  EXPECT_EQ(error_of(request->result()), 0);
  EXPECT_EQ(harness.engine().counters().full.accepted, 1U);
}

TEST(EngineRequest, AcknowledgedWhenQueuedIsSyncedAllTheSame) {
  FakeHarness harness;
  SyncOrder order = harness.order();
  order.acknowledge = Acknowledge::when_queued;
  harness.submit(std::move(order));
  EXPECT_TRUE(harness.backend().wait_for_submissions(1));
}

TEST(EngineRequest, FailureAfterAnEarlyAcknowledgementIsToldToTheNext) {
  FakeHarness harness;
  SyncOrder order = harness.order();
  order.acknowledge = Acknowledge::when_queued;
  harness.submit(std::move(order));
  ASSERT_TRUE(harness.backend().wait_for_submissions(1));
  harness.backend().end_nth(0, SyncAnswer::failure(EIO));
  EXPECT_EQ(harness.syncs_when_idle(), 1U);
  EXPECT_EQ(harness.sync(), EIO);
}

TEST(EngineRequest, EarlyAcknowledgementOutlivesTheSyncThatRanWhenItCame) {
  FakeHarness harness;
  harness.submit();
  ASSERT_TRUE(harness.backend().wait_for_submissions(1));
  auto write = std::make_unique<OngoingMutation>(harness.begin());
  SyncOrder order = harness.order();
  order.acknowledge = Acknowledge::when_queued;
  harness.submit(std::move(order));
  harness.backend().end_nth(0, SyncAnswer::success());
  EXPECT_EQ(harness.syncs_when_idle(), 1U);
  write.reset();
  EXPECT_TRUE(harness.backend().wait_for_submissions(2));
}

// What was promised and is not durable yet waits like everything else, though its caller is gone.
TEST(EngineRequest, Contract_E6_EarlyAcknowledgementHoldsItsPlaceUntilItsSyncHasEnded) {
  FakeHarness harness(2, with_max_requests(1));
  harness.submit(promise(harness, 0));
  ASSERT_TRUE(harness.backend().wait_for_submissions(1));
  EXPECT_EQ(error_of(harness.engine().submit_detached(harness.order(SyncKind::full, 1))), EAGAIN);
  harness.backend().end_nth(0, SyncAnswer::success());
  ASSERT_TRUE(harness.backend().wait_until_idle());
  EXPECT_TRUE(harness.engine().submit_detached(harness.order(SyncKind::full, 1)));
}

TEST(EngineRequest, Contract_E6_LostPromiseFreesItsPlace) {
  FakeHarness harness(2, with_max_requests(1));
  harness.submit(promise(harness, 0));
  ASSERT_TRUE(harness.backend().wait_for_submissions(1));
  harness.engine().writeback_failed(harness.files().key(0), Errno(EIO));
  EXPECT_TRUE(harness.engine().submit_detached(harness.order(SyncKind::full, 1)));
}

TEST(EngineRequest, Contract_E6_ManyEarlyAcknowledgementsOfOneFileHoldOnePlace) {
  FakeHarness harness(1, with_max_requests(2));
  for (int i = 0; i < 100; ++i) {
    harness.mutate();
    ASSERT_TRUE(harness.engine().submit_detached(promise(harness, 0)));
  }
  harness.answer_all(SyncAnswer::success());
  harness.syncs_when_idle();
  // All of it is free again.
  harness.hold_all();
  harness.mutate();
  EXPECT_TRUE(harness.engine().submit_detached(harness.order()));
  EXPECT_TRUE(harness.engine().submit_detached(harness.order()));
}

// ---- Cancelling ----

TEST(EngineRequest, Contract_L9_RequestThatNoSyncCoversIsCancelled) {
  FakeHarness harness;
  const OngoingMutation write = harness.begin();
  const auto request = harness.submit();
  EXPECT_EQ(harness.engine().cancel(*request), CancelOutcome::cancelled);
  EXPECT_EQ(answer_of(*request), ECANCELED);
  EXPECT_EQ(harness.engine().counters().full.cancelled, 1U);
}

TEST(EngineRequest, Contract_L9_RequestThatASyncCoversIsNotCancelled) {
  FakeHarness harness;
  const auto request = harness.submit();
  ASSERT_TRUE(harness.backend().wait_for_submissions(1));
  EXPECT_EQ(harness.engine().cancel(*request), CancelOutcome::not_cancelled);
  harness.backend().end_nth(0, SyncAnswer::success());
  EXPECT_EQ(answer_of(*request), 0);
}

TEST(EngineRequest, Contract_L9_AnsweredRequestIsAllDone) {
  FakeHarness harness;
  harness.answer_all(SyncAnswer::success());
  const auto request = harness.submit();
  ASSERT_EQ(answer_of(*request), 0);
  EXPECT_EQ(harness.engine().cancel(*request), CancelOutcome::all_done);
  EXPECT_EQ(error_of(request->result()), 0);
}

TEST(EngineRequest, Contract_B7_CancelledRequestTellsItsCallback) {
  FakeHarness harness;
  Answers answers;
  const OngoingMutation write = harness.begin();
  SyncOrder order = harness.order();
  order.callback = answers.callback();
  const auto request = harness.submit(std::move(order));
  harness.engine().cancel(*request);
  EXPECT_EQ(answers.so_far(), std::vector<int>{ECANCELED});
}

TEST(EngineRequest, CancelledRequestIsNotSynced) {
  FakeHarness harness(2, {}, 1);
  harness.submit(SyncKind::full, 0);
  ASSERT_TRUE(harness.backend().wait_for_submissions(1));
  const auto waiting = harness.submit(SyncKind::full, 1);
  EXPECT_EQ(harness.engine().cancel(*waiting), CancelOutcome::cancelled);
  harness.backend().end_nth(0, SyncAnswer::success());
  EXPECT_EQ(harness.syncs_when_idle(), 1U);
}

TEST(EngineRequest, Contract_E6_CancelledRequestsLeaveNothingInTheQueue) {
  constexpr std::size_t kFiles = 50;
  FakeHarness harness(kFiles, {}, 1);
  harness.submit(SyncKind::full, 0);
  ASSERT_TRUE(harness.backend().wait_for_submissions(1));
  for (std::size_t i = 1; i < kFiles; ++i) {
    const auto waiting = harness.submit(SyncKind::full, i);
    EXPECT_EQ(harness.engine().queued_inodes(), 1U);
    EXPECT_EQ(harness.engine().cancel(*waiting), CancelOutcome::cancelled);
    EXPECT_EQ(harness.engine().queued_inodes(), 0U);
  }
}

TEST(EngineRequest, CancellingOneOfTwoThatWaitForTheirTurnLeavesTheOther) {
  FakeHarness harness(2, {}, 1);
  harness.submit(SyncKind::full, 0);
  ASSERT_TRUE(harness.backend().wait_for_submissions(1));
  const auto cancelled = harness.submit(SyncKind::full, 1);
  const auto kept = harness.submit(SyncKind::full, 1);
  EXPECT_EQ(harness.engine().cancel(*cancelled), CancelOutcome::cancelled);
  harness.answer_all(SyncAnswer::success());
  EXPECT_EQ(answer_of(*kept), 0);
}

TEST(EngineRequest, CancellingOneLeavesTheOther) {
  FakeHarness harness;
  auto write = std::make_unique<OngoingMutation>(harness.begin());
  const auto cancelled = harness.submit();
  const auto kept = harness.submit();
  harness.engine().cancel(*cancelled);
  write.reset();
  harness.answer_all(SyncAnswer::success());
  EXPECT_EQ(answer_of(*kept), 0);
}

TEST(EngineRequest, CancelledRequestLetsGoOfItsDescriptor) {
  FakeHarness harness;
  const OngoingMutation write = harness.begin();
  SyncOrder order = harness.order();
  order.descriptor = harness.files().reopen();
  const std::weak_ptr<const UniqueFd> descriptor = order.descriptor;
  const auto request = harness.submit(std::move(order));
  harness.engine().cancel(*request);
  EXPECT_TRUE(descriptor.expired());
}

TEST(EngineRequest, AnsweredRequestLetsGoOfItsDescriptor) {
  FakeHarness harness;
  SyncOrder order = harness.order();
  order.descriptor = harness.files().reopen();
  const std::weak_ptr<const UniqueFd> descriptor = order.descriptor;
  harness.submit(std::move(order));
  harness.answer_all(SyncAnswer::success());
  harness.syncs_when_idle();
  EXPECT_TRUE(descriptor.expired());
}

// ---- Limits ----

TEST(EngineRequest, Contract_L5_FullQueueRefusesWithEagainAndQueuesNothing) {
  FakeHarness harness(2, with_max_requests(1));
  harness.submit(SyncKind::full, 0);
  Answers answers;
  SyncOrder order = harness.order(SyncKind::full, 1);
  order.callback = answers.callback();
  const auto refused = harness.engine().submit(std::move(order));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), Errno(EAGAIN));
  EXPECT_EQ(harness.syncs_when_idle(), 1U);
  EXPECT_EQ(harness.engine().counters().refused, 1U);
  EXPECT_TRUE(answers.so_far().empty());
}

TEST(EngineRequest, Contract_B3_RefusedOrderIsUntouched) {
  FakeHarness harness(1, with_max_requests(1));
  harness.submit();
  Answers answers;
  SyncOrder order = harness.order();
  order.callback = answers.callback();
  ASSERT_FALSE(harness.engine().submit(std::move(order)));
  EXPECT_NE(order.descriptor, nullptr);  // NOLINT(bugprone-use-after-move): that is the promise.
  EXPECT_NE(order.callback, nullptr);
}

TEST(EngineRequest, Contract_E6_FullQueueMakesTheSubmitterWait) {
  constexpr std::size_t kFiles = 16;
  constexpr std::size_t kRequests = 2;
  FakeHarness harness(kFiles, with_max_requests(kRequests));
  std::vector<std::thread> submitters;
  for (std::size_t i = 0; i < kFiles; ++i) {
    submitters.emplace_back([&harness, i] {
      SyncOrder order = harness.order(SyncKind::full, i);
      order.when_full = WhenFull::wait;
      harness.submit(std::move(order));
    });
  }
  for (std::size_t i = 0; i < kFiles; ++i) {
    EXPECT_TRUE(harness.backend().wait_for_submissions(i + 1));
    EXPECT_LE(harness.backend().in_flight().size(), kRequests);
    harness.backend().end_oldest(SyncAnswer::success());
  }
  for (std::thread& submitter : submitters) submitter.join();
  EXPECT_EQ(harness.engine().counters().refused, 0U);
}

TEST(EngineRequest, Contract_E6_CancelledRequestFreesItsPlace) {
  FakeHarness harness(1, with_max_requests(1));
  const OngoingMutation write = harness.begin();
  const auto request = harness.submit();
  harness.engine().cancel(*request);
  EXPECT_TRUE(harness.engine().submit(harness.order()));
}

TEST(EngineRequest, Contract_E6_PlaceIsFreeWhenTheCallbackRuns) {
  FakeHarness harness(1, with_max_requests(1));
  Answers answers;
  int second = ETIMEDOUT;
  SyncOrder order = harness.order();
  order.callback = std::make_unique<RunThenReport>(answers, [&] {
    const auto submitted = harness.engine().submit(harness.order());
    second = submitted ? 0 : submitted.error().value();
  });
  harness.submit(std::move(order));
  harness.answer_all(SyncAnswer::success());
  ASSERT_TRUE(answers.wait_for(1));
  EXPECT_EQ(second, 0);
}

// Room is made by the engine's own thread, which would wait for itself.
TEST(EngineRequest, Contract_E6_CallbackOnTheEnginesThreadIsRefusedThoughItWouldWait) {
  FakeHarness harness(2, with_max_requests(2));
  Answers answers;
  int error = 0;
  SyncOrder order = harness.order(SyncKind::full, 0);
  order.callback = std::make_unique<RunThenReport>(answers, [&] {
    harness.submit(harness.order(SyncKind::full, 1));
    SyncOrder one_too_many = harness.order(SyncKind::full, 1);
    one_too_many.when_full = WhenFull::wait;
    const auto refused = harness.engine().submit(std::move(one_too_many));
    error = refused ? 0 : refused.error().value();
  });
  harness.submit(std::move(order));
  harness.submit(harness.order(SyncKind::full, 1));
  ASSERT_TRUE(harness.backend().wait_for_submissions(2));
  harness.backend().end_nth(0, SyncAnswer::success());
  ASSERT_TRUE(answers.wait_for(1));
  EXPECT_EQ(error, EAGAIN);
}

// Nothing can start before a sync ends, and that wakes it.
TEST(EngineRequest, EngineThatRunsAllTheSyncsItCanIsNotWoken) {
  constexpr std::size_t kFiles = 10;
  FakeHarness harness(kFiles, {}, 1);
  harness.submit(SyncKind::full, 0);
  ASSERT_TRUE(harness.backend().wait_for_submissions(1));
  ASSERT_TRUE(harness.backend().wait_until_idle());
  const std::size_t before = harness.backend().wakes();
  for (std::size_t i = 1; i < kFiles; ++i) harness.submit(SyncKind::full, i);
  EXPECT_EQ(harness.backend().wakes(), before);
  harness.answer_all(SyncAnswer::success());
  EXPECT_EQ(harness.syncs_when_idle(), kFiles);
}

TEST(EngineRequest, Contract_E6_NoMoreSyncsRunThanTheBackendTakes) {
  FakeHarness harness(4, {}, 2);
  for (std::size_t i = 0; i < 4; ++i) harness.submit(SyncKind::full, i);
  EXPECT_EQ(harness.syncs_when_idle(), 2U);
  harness.backend().end_nth(0, SyncAnswer::success());
  EXPECT_EQ(harness.syncs_when_idle(), 3U);
}

// ---- Order ----

TEST(EngineRequest, Contract_B2_HigherPriorityIsSubmittedEarlier) {
  FakeHarness harness(5, {}, 1);
  harness.submit(SyncKind::full, 0);
  ASSERT_TRUE(harness.backend().wait_for_submissions(1));
  harness.submit(prioritised(harness.order(SyncKind::full, 1), 0));
  harness.submit(prioritised(harness.order(SyncKind::full, 2), 5));
  harness.submit(prioritised(harness.order(SyncKind::full, 3), -5));
  harness.submit(prioritised(harness.order(SyncKind::full, 4), 5));
  harness.answer_all(SyncAnswer::success());
  ASSERT_TRUE(harness.backend().wait_for_submissions(5));
  EXPECT_EQ(harness.submitted_files(), (std::vector<std::size_t>{0, 2, 4, 1, 3}));
}

TEST(EngineRequest, Contract_B2_HigherPriorityThatComesLaterMovesItsInodeForward) {
  FakeHarness harness(3, {}, 1);
  harness.submit(SyncKind::full, 0);
  ASSERT_TRUE(harness.backend().wait_for_submissions(1));
  harness.submit(prioritised(harness.order(SyncKind::full, 1), 0));
  harness.submit(prioritised(harness.order(SyncKind::full, 2), -5));
  harness.submit(prioritised(harness.order(SyncKind::full, 2), 5));
  harness.answer_all(SyncAnswer::success());
  ASSERT_TRUE(harness.backend().wait_for_submissions(3));
  EXPECT_EQ(harness.submitted_files(), (std::vector<std::size_t>{0, 2, 1}));
}

}  // namespace
}  // namespace sluice::testing
