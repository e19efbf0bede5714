#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <thread>

#include "engine_harness.h"

// Draining and stopping.

namespace sluice::testing {
namespace {

// ---- drain() ----

TEST(EngineDrain, EveryDirtyInodeIsMadeDurable) {
  constexpr std::size_t kFiles = 5;
  FakeHarness harness(kFiles);
  harness.answer_all(SyncAnswer::success());
  for (std::size_t i = 0; i < kFiles; ++i) {
    harness.engine().hold_descriptor(harness.files().key(i), harness.files().descriptor(i));
    harness.mutate(MutationClass::data, i);
  }
  const DrainReport report = harness.engine().drain();
  EXPECT_EQ(report.synced, kFiles);
  EXPECT_EQ(report.failed, 0U);
  EXPECT_EQ(report.unreachable, 0U);
  EXPECT_FALSE(report.error);
  for (std::size_t i = 0; i < kFiles; ++i) EXPECT_EQ(harness.sync(SyncKind::full, i), 0);
  EXPECT_EQ(harness.syncs_when_idle(), kFiles);
}

TEST(EngineDrain, CleanInodesCostNothing) {
  FakeHarness harness;
  harness.make_clean();
  EXPECT_EQ(harness.engine().drain().synced, 0U);
  EXPECT_EQ(harness.syncs_when_idle(), 1U);
}

TEST(EngineDrain, FailureIsReported) {
  FakeHarness harness(2);
  for (std::size_t i = 0; i < 2; ++i) {
    harness.engine().hold_descriptor(harness.files().key(i), harness.files().descriptor(i));
    harness.mutate(MutationClass::data, i);
  }
  const ino_t broken = harness.files().key(1).inode;
  harness.backend().answer_by([broken](const SubmittedSync& sync) -> std::optional<SyncAnswer> {
    return sync.inode == broken ? SyncAnswer::failure(ENOSPC) : SyncAnswer::success();
  });
  const DrainReport report = harness.engine().drain();
  EXPECT_EQ(report.synced, 1U);
  EXPECT_EQ(report.failed, 1U);
  EXPECT_EQ(report.error, Errno(ENOSPC));
}

TEST(EngineDrain, EarlierFailureIsReportedAgain) {
  FakeHarness harness;
  harness.engine().hold_descriptor(harness.files().key(), harness.files().descriptor());
  harness.answer_all(SyncAnswer::failure(EIO));
  ASSERT_EQ(harness.sync(), EIO);
  harness.answer_all(SyncAnswer::success());
  const DrainReport report = harness.engine().drain();
  EXPECT_EQ(report.failed, 1U);
  EXPECT_EQ(report.error, Errno(EIO));
}

// A full sync that was asked for before the write-out failed: it succeeds, and says nothing of the loss.
TEST(EngineDrain, LossThatALaterSyncHasPassedIsReported) {
  FakeHarness harness(2, {}, 1);
  harness.answer_all(SyncAnswer::success());
  ASSERT_EQ(harness.sync(SyncKind::data, 0), 0);
  harness.hold_all();
  harness.submit(SyncKind::full, 1);
  ASSERT_TRUE(harness.backend().wait_for_submissions(2));
  const auto before = harness.submit(SyncKind::full, 0);
  harness.engine().writeback_failed(harness.files().key(0), Errno(EIO));
  harness.answer_all(SyncAnswer::success());
  ASSERT_EQ(answer_of(*before), 0);
  const DrainReport report = harness.engine().drain();
  EXPECT_EQ(report.failed, 1U);
  EXPECT_EQ(report.error, Errno(EIO));
}

TEST(EngineDrain, DirtyInodeWithoutADescriptorIsUnreachable) {
  FakeHarness harness;
  harness.mutate();
  EXPECT_EQ(harness.engine().drain().unreachable, 1U);
}

TEST(EngineDrain, WaitsForTheDevice) {
  FakeHarness harness;
  harness.engine().hold_descriptor(harness.files().key(), harness.files().descriptor());
  harness.mutate();
  std::future<DrainReport> report = std::async(std::launch::async, [&] { return harness.engine().drain(); });
  ASSERT_TRUE(harness.backend().wait_for_submissions(1));
  EXPECT_EQ(report.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  harness.backend().end_nth(0, SyncAnswer::success());
  EXPECT_EQ(report.get().synced, 1U);
}

TEST(EngineDrain, MoreInodesThanRequestsAreDrained) {
  constexpr std::size_t kFiles = 20;
  EngineOptions options;
  options.max_requests = 2;
  FakeHarness harness(kFiles, options);
  harness.answer_all(SyncAnswer::success());
  for (std::size_t i = 0; i < kFiles; ++i) {
    harness.engine().hold_descriptor(harness.files().key(i), harness.files().descriptor(i));
    harness.mutate(MutationClass::data, i);
  }
  EXPECT_EQ(harness.engine().drain().synced, kFiles);
}

// ---- stop() ----

TEST(EngineStop, RequestsAfterwardsAreRefused) {
  FakeHarness harness;
  harness.engine().stop();
  const auto refused = harness.engine().submit(harness.order());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), Errno(ESHUTDOWN));
}

TEST(EngineStop, EveryRequestIsAnsweredFirst) {
  constexpr std::size_t kFiles = 10;
  FakeHarness harness(kFiles, {}, 2);
  std::vector<std::shared_ptr<SyncRequest>> requests;
  for (std::size_t i = 0; i < kFiles; ++i) requests.push_back(harness.submit(SyncKind::full, i));
  std::thread stopper([&] { harness.engine().stop(); });
  ASSERT_TRUE(harness.backend().wait_for_submissions(2));
  harness.answer_all(SyncAnswer::success());
  stopper.join();
  for (const auto& request : requests) EXPECT_EQ(request->status(), SyncStatus::done);
  EXPECT_EQ(harness.backend().submitted().size(), kFiles);
}

TEST(EngineStop, EveryCallbackHasReturnedFirst) {
  constexpr std::size_t kRequests = 50;
  FakeHarness harness;
  harness.answer_all(SyncAnswer::success());
  Answers answers;
  for (std::size_t i = 0; i < kRequests; ++i) {
    harness.mutate();
    SyncOrder order = harness.order();
    order.callback = answers.callback();
    harness.submit(std::move(order));
  }
  harness.engine().stop();
  EXPECT_EQ(answers.so_far().size(), kRequests);
}

TEST(EngineStop, WhatWasAcknowledgedWhenQueuedIsSyncedFirst) {
  constexpr std::size_t kFiles = 10;
  FakeHarness harness(kFiles, {}, 1);
  for (std::size_t i = 0; i < kFiles; ++i) {
    SyncOrder order = harness.order(SyncKind::full, i);
    order.acknowledge = Acknowledge::when_queued;
    harness.submit(std::move(order));
  }
  harness.answer_all(SyncAnswer::success());
  harness.engine().stop();
  EXPECT_EQ(harness.backend().submitted().size(), kFiles);
}

TEST(EngineStop, WhatWasAcknowledgedWhenQueuedIsSyncedThoughItsWriteIsUnderWay) {
  EngineOptions options;
  options.max_requests = 1;
  FakeHarness harness(1, options);
  harness.answer_all(SyncAnswer::success());
  auto write = std::make_unique<OngoingMutation>(harness.begin());
  SyncOrder order = harness.order();
  order.acknowledge = Acknowledge::when_queued;
  harness.submit(std::move(order));
  std::thread stopper([&] { harness.engine().stop(); });
  // EAGAIN until it has begun to stop.
  while (error_of(harness.engine().submit_detached(harness.order())) != ESHUTDOWN) std::this_thread::yield();
  write.reset();
  stopper.join();
  EXPECT_EQ(harness.backend().submitted().size(), 1U);
}

TEST(EngineStop, SubmitterThatWaitsForRoomIsSentAway) {
  EngineOptions options;
  options.max_requests = 1;
  FakeHarness harness(1, options);
  harness.submit();
  ASSERT_TRUE(harness.backend().wait_for_submissions(1));
  std::future<Result<void>> waiting = std::async(std::launch::async, [&] {
    SyncOrder order = harness.order();
    order.when_full = WhenFull::wait;
    return harness.engine().submit_detached(std::move(order));
  });
  std::thread stopper([&] { harness.engine().stop(); });
  EXPECT_EQ(error_of(waiting.get()), ESHUTDOWN);
  harness.answer_all(SyncAnswer::success());
  stopper.join();
}

TEST(EngineStop, TwiceIsOnce) {
  FakeHarness harness;
  harness.engine().stop();
  harness.engine().stop();
}

TEST(EngineStop, SeveralThreadsMayStop) {
  FakeHarness harness;
  harness.answer_all(SyncAnswer::success());
  harness.submit();
  std::vector<std::thread> stoppers;
  for (int i = 0; i < 4; ++i) stoppers.emplace_back([&] { harness.engine().stop(); });
  for (std::thread& stopper : stoppers) stopper.join();
  EXPECT_FALSE(harness.engine().submit(harness.order()));
}

/// Calls a member of the engine that waits for the thread it is called on.
class WaitsForItself final : public SyncCallback {
 public:
  explicit WaitsForItself(std::function<void()> call) : call_(std::move(call)) {}
  void sync_done(Result<void> /*result*/) noexcept override { call_(); }

 private:
  std::function<void()> call_;
};

TEST(EngineStopDeathTest, FromACallbackEndsTheProcess) {
  EXPECT_DEATH(
      {
        FakeHarness harness;
        SyncEngine& engine = harness.engine();
        SyncOrder order = harness.order();
        order.callback = std::make_unique<WaitsForItself>([&] { engine.stop(); });
        harness.submit(std::move(order));
        harness.answer_all(SyncAnswer::success());
        harness.end_engine();
      },
      "broken invariant");
}

TEST(EngineDrainDeathTest, FromACallbackEndsTheProcess) {
  EXPECT_DEATH(
      {
        FakeHarness harness;
        SyncEngine& engine = harness.engine();
        SyncOrder order = harness.order();
        order.callback = std::make_unique<WaitsForItself>([&] { engine.drain(); });
        harness.submit(std::move(order));
        harness.answer_all(SyncAnswer::success());
        harness.end_engine();
      },
      "broken invariant");
}

TEST(EngineStop, MutationMayEndAfterwards) {
  FakeHarness harness;
  const OngoingMutation write = harness.begin();
  harness.engine().stop();
}

}  // namespace
}  // namespace sluice::testing
