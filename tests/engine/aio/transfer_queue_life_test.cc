#include <gtest/gtest.h>

#include <cerrno>
#include <future>
#include <thread>

#include "aio/transfer_queue.h"
#include "transfer_harness.h"

// Cancelling, stopping, and what a callback may do.

namespace sluice::testing {
namespace {

using Offsets = std::vector<off_t>;
using Results = std::vector<long>;

// ---- Cancelling ----

TEST(TransferQueueCancel, WaitingTransferIsNeverStartedAndTold) {
  FakeQueue fake(1);
  fake.submit(fake.order(0));
  ASSERT_EQ(fake.started(), Offsets{0});
  const TransferId waiting = fake.submit(fake.order(1));
  EXPECT_EQ(fake.queue().cancel(waiting), CancelOutcome::cancelled);
  EXPECT_EQ(fake.results().so_far(), Results{-ECANCELED});
  EXPECT_EQ(fake.end_all(), Offsets{0});
}

TEST(TransferQueueCancel, RunningTransferIsLeftAlone) {
  FakeQueue fake(1);
  const TransferId running = fake.submit(fake.order(3));
  ASSERT_EQ(fake.started(), Offsets{3});
  EXPECT_EQ(fake.queue().cancel(running), CancelOutcome::not_cancelled);
  fake.end(3);
  ASSERT_TRUE(fake.results().wait_for(1));
  EXPECT_EQ(fake.results().so_far(), Results{3});
}

TEST(TransferQueueCancel, EndedTransferIsDone) {
  FakeQueue fake(1);
  const TransferId ended = fake.submit(fake.order(0));
  fake.end_all();
  EXPECT_EQ(fake.queue().cancel(ended), CancelOutcome::all_done);
  EXPECT_EQ(fake.results().so_far().size(), 1U);
}

TEST(TransferQueueCancel, CancelledTransferIsDone) {
  FakeQueue fake(1);
  fake.submit(fake.order(0));
  ASSERT_EQ(fake.started(), Offsets{0});
  const TransferId waiting = fake.submit(fake.order(1));
  fake.queue().cancel(waiting);
  EXPECT_EQ(fake.queue().cancel(waiting), CancelOutcome::all_done);
  EXPECT_EQ(fake.results().so_far(), Results{-ECANCELED});
  fake.end_all();
}

TEST(TransferQueueCancel, NoTransferIsDone) {
  FakeQueue fake(1);
  EXPECT_EQ(fake.queue().cancel(TransferId{}), CancelOutcome::all_done);
}

TEST(TransferQueueCancel, TurnOfACancelledTransferPassesOn) {
  FakeQueue fake(1);
  fake.submit(fake.order(0));
  ASSERT_EQ(fake.started(), Offsets{0});
  const TransferId next = fake.submit(fake.in_turn(1));
  fake.submit(fake.in_turn(2));
  EXPECT_EQ(fake.queue().cancel(next), CancelOutcome::cancelled);
  EXPECT_EQ(fake.end_all(), (Offsets{0, 2}));
}

TEST(TransferQueueCancel, TransferBehindATurnIsTakenOutOfTheLine) {
  FakeQueue fake(8);
  fake.submit(fake.in_turn(0));
  const TransferId second = fake.submit(fake.in_turn(1));
  fake.submit(fake.in_turn(2));
  ASSERT_EQ(fake.started(), Offsets{0});
  EXPECT_EQ(fake.queue().cancel(second), CancelOutcome::cancelled);
  EXPECT_EQ(fake.started(), Offsets{0});
  EXPECT_EQ(fake.end_all(), (Offsets{0, 2}));
}

// ---- Callbacks ----

TEST(TransferQueueCallback, MaySubmit) {
  FakeQueue fake(1);
  TransferOrder first = fake.order(0);
  first.callback = fake.results().callback([&] { fake.submit(fake.order(1)); });
  fake.submit(std::move(first));
  ASSERT_EQ(fake.started(), Offsets{0});
  fake.end(0);
  ASSERT_TRUE(fake.backend().wait_for_transfers(2));
  EXPECT_EQ(fake.end_all(), (Offsets{0, 1}));
}

TEST(TransferQueueCallback, MayCancel) {
  FakeQueue fake(1);
  TransferId waiting{};
  TransferOrder first = fake.order(0);
  first.callback = fake.results().callback([&] { fake.queue().cancel(waiting); });
  fake.submit(std::move(first));
  ASSERT_EQ(fake.started(), Offsets{0});
  waiting = fake.submit(fake.order(1));
  fake.end(0);
  ASSERT_TRUE(fake.results().wait_for(2));
  EXPECT_EQ(fake.results().so_far(), (Results{0, -ECANCELED}));
  EXPECT_EQ(fake.started(), Offsets{0});
}

TEST(TransferQueueCallback, OfACancelledTransferMaySubmit) {
  FakeQueue fake(1);
  fake.submit(fake.order(0));
  ASSERT_EQ(fake.started(), Offsets{0});
  TransferOrder order = fake.order(1);
  order.callback = fake.results().callback([&] { fake.submit(fake.order(2)); });
  const TransferId waiting = fake.submit(std::move(order));
  fake.queue().cancel(waiting);
  EXPECT_EQ(fake.end_all(), (Offsets{0, 2}));
}

// ---- Stopping ----

/// A stop() under way: new transfers are refused already. REQUIRES: nothing new can be started.
std::future<void> begin_stop(FakeQueue& fake) {
  auto stopped = std::async(std::launch::async, [&fake] { fake.queue().stop(); });
  while (const Result<TransferId> taken = fake.queue().submit(fake.order(1000))) {
    EXPECT_EQ(fake.queue().cancel(*taken), CancelOutcome::cancelled);
    std::this_thread::yield();
  }
  return stopped;
}

bool is_ready(const std::future<void>& future) {
  return future.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

TEST(TransferQueueStop, RefusesNewTransfersAndLeavesThemUntouched) {
  FakeQueue fake(1);
  fake.queue().stop();
  TransferOrder order = fake.order(0);
  order.callback = fake.results().callback();
  const Result<TransferId> id = fake.queue().submit(std::move(order));
  ASSERT_FALSE(id);
  EXPECT_EQ(id.error(), Errno(ESHUTDOWN));
  EXPECT_NE(order.callback, nullptr);  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(order.descriptor->get(), fake.files().fd());
}

TEST(TransferQueueStop, WaitsForWhatRunsAndWhatWaits) {
  FakeQueue fake(1);
  fake.submit(fake.order(1));
  fake.submit(fake.order(2));
  ASSERT_EQ(fake.started(), Offsets{1});
  std::future<void> stopped = begin_stop(fake);
  EXPECT_FALSE(is_ready(stopped));
  fake.end(1);
  ASSERT_TRUE(fake.backend().wait_for_transfers(2));
  EXPECT_FALSE(is_ready(stopped));
  fake.end(2);
  stopped.get();
  EXPECT_EQ(fake.results().so_far(), (Results{1, 2}));
}

TEST(TransferQueueStop, WaitsForTheCallback) {
  FakeQueue fake(1);
  std::promise<void> may_return;
  TransferOrder order = fake.order(0);
  order.callback = fake.results().callback([&] { may_return.get_future().wait(); });
  fake.submit(std::move(order));
  ASSERT_EQ(fake.started(), Offsets{0});
  fake.end(0);
  ASSERT_TRUE(fake.results().wait_for(1));
  std::future<void> stopped = begin_stop(fake);
  EXPECT_FALSE(is_ready(stopped));
  may_return.set_value();
  stopped.get();
}

TEST(TransferQueueStop, EndsWhenTheLastWaitingTransferIsCancelled) {
  FakeQueue fake(1);
  fake.submit(fake.order(1));
  ASSERT_EQ(fake.started(), Offsets{1});
  const TransferId waiting = fake.submit(fake.order(2));
  std::future<void> stopped = begin_stop(fake);
  fake.queue().cancel(waiting);
  fake.end(1);
  stopped.get();
  EXPECT_EQ(fake.results().so_far(), (Results{-ECANCELED, 1}));
}

TEST(TransferQueueStop, MayBeCalledTwiceAndByManyThreads) {
  FakeQueue fake(1);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back([&] { fake.queue().stop(); });
  for (std::thread& thread : threads) thread.join();
  fake.queue().stop();
  EXPECT_FALSE(fake.queue().submit(fake.order(0)));
}

}  // namespace
}  // namespace sluice::testing
