#include "aio/transfer_queue.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>

#include "transfer_harness.h"

// In which order transfers are started, and what their callbacks are told.

namespace sluice::testing {
namespace {

using Offsets = std::vector<off_t>;
using Results = std::vector<long>;

TEST(TransferQueueTest, TransferReachesTheBackendAsItWasOrdered) {
  FakeQueue fake(4);
  std::string bytes(100, '?');
  fake.submit(read_order(fake.files(), bytes, 7));
  ASSERT_TRUE(fake.backend().wait_for_transfers(1));
  const Transfer transfer = fake.backend().submitted_transfers().front().transfer;
  EXPECT_EQ(transfer.kind, TransferKind::read);
  EXPECT_EQ(transfer.fd, fake.files().fd());
  EXPECT_EQ(transfer.buffer, bytes.data());
  EXPECT_EQ(transfer.bytes, 100U);
  EXPECT_EQ(transfer.offset, 7);
  fake.end(7);
}

TEST(TransferQueueTest, CallbackIsToldTheBytes) {
  FakeQueue fake(4);
  fake.submit(fake.order(0));
  ASSERT_TRUE(fake.backend().wait_for_transfers(1));
  fake.backend().end_nth_transfer(0, TransferAnswer::success(17));
  ASSERT_TRUE(fake.results().wait_for(1));
  EXPECT_EQ(fake.results().so_far(), Results{17});
}

TEST(TransferQueueTest, CallbackIsToldTheError) {
  FakeQueue fake(4);
  fake.submit(fake.order(0));
  ASSERT_TRUE(fake.backend().wait_for_transfers(1));
  fake.backend().end_nth_transfer(0, TransferAnswer::failure(ENOSPC));
  ASSERT_TRUE(fake.results().wait_for(1));
  EXPECT_EQ(fake.results().so_far(), Results{-ENOSPC});
}

TEST(TransferQueueTest, DescriptorIsClosedWhenTheCallbackIsCalled) {
  FakeQueue fake(4);
  TransferOrder order = fake.order(0);
  order.descriptor = fake.files().reopen();
  order.transfer.fd = order.descriptor->get();
  const std::weak_ptr<const UniqueFd> descriptor = order.descriptor;
  bool closed = false;
  order.callback = fake.results().callback([&] { closed = descriptor.expired(); });
  fake.submit(std::move(order));
  ASSERT_TRUE(fake.backend().wait_for_transfers(1));
  EXPECT_FALSE(descriptor.expired());
  fake.end(0);
  fake.queue().stop();
  EXPECT_TRUE(closed);
}

TEST(TransferQueueTest, TransferNeedsNoCallback) {
  FakeQueue fake(4);
  ASSERT_TRUE(fake.queue().submit(fake.order(0)));
  ASSERT_TRUE(fake.backend().wait_for_transfers(1));
  fake.end(0);
  fake.queue().stop();
  EXPECT_TRUE(fake.results().so_far().empty());
}

// ---- Order ----

TEST(TransferQueueTest, AsManyRunAsTheBackendTakes) {
  FakeQueue fake(3);
  for (off_t offset = 0; offset < 6; ++offset) fake.submit(fake.order(offset));
  EXPECT_EQ(fake.started(), (Offsets{0, 1, 2}));
  fake.end(1);
  EXPECT_EQ(fake.started(), (Offsets{0, 1, 2, 3}));
  EXPECT_EQ(fake.end_all(), (Offsets{0, 1, 2, 3, 4, 5}));
}

TEST(TransferQueueTest, Contract_B2_WaitingTransfersAreStartedByPriority) {
  FakeQueue fake(1);
  fake.submit(fake.order(0));
  ASSERT_EQ(fake.started(), Offsets{0});
  fake.submit(fake.order(1, Priority(-5)));
  fake.submit(fake.order(2, Priority(0)));
  fake.submit(fake.order(3, Priority(7)));
  EXPECT_EQ(fake.end_all(), (Offsets{0, 3, 2, 1}));
}

TEST(TransferQueueTest, TransfersOfOnePriorityAreStartedInTheOrderOfSubmission) {
  FakeQueue fake(1, 3);
  fake.submit(fake.order(0));
  ASSERT_EQ(fake.started(), Offsets{0});
  for (off_t offset = 1; offset < 7; ++offset)
    fake.submit(fake.order(offset, Priority(3), static_cast<std::size_t>(offset) % 3));
  EXPECT_EQ(fake.end_all(), (Offsets{0, 1, 2, 3, 4, 5, 6}));
}

TEST(TransferQueueTest, RunningTransferIsNotPreempted) {
  FakeQueue fake(1);
  fake.submit(fake.order(0, Priority(-1)));
  ASSERT_EQ(fake.started(), Offsets{0});
  fake.submit(fake.order(1, Priority(9)));
  EXPECT_EQ(fake.started(), Offsets{0});
  fake.end_all();
}

TEST(TransferQueueTest, TransfersInTurnOfAFileRunOneAfterAnother) {
  FakeQueue fake(8);
  for (off_t offset = 0; offset < 3; ++offset) fake.submit(fake.in_turn(offset));
  EXPECT_EQ(fake.started(), Offsets{0});
  fake.end(0);
  EXPECT_EQ(fake.started(), (Offsets{0, 1}));
  fake.end(1);
  EXPECT_EQ(fake.started(), (Offsets{0, 1, 2}));
  fake.end(2);
}

TEST(TransferQueueTest, OthersPassThoseThatWaitForTheirTurn) {
  FakeQueue fake(8, 2);
  fake.submit(fake.in_turn(0));
  fake.submit(fake.in_turn(1));
  fake.submit(fake.order(2));
  fake.submit(fake.in_turn(3, 1));
  EXPECT_EQ(fake.started(), (Offsets{0, 2, 3}));
  fake.end_all();
}

TEST(TransferQueueTest, PriorityDoesNotChangeWhoseTurnItIs) {
  FakeQueue fake(1);
  fake.submit(fake.order(0));
  ASSERT_EQ(fake.started(), Offsets{0});
  fake.submit(fake.in_turn(1));
  TransferOrder urgent = fake.in_turn(2);
  urgent.priority = Priority(9);
  fake.submit(std::move(urgent));
  EXPECT_EQ(fake.end_all(), (Offsets{0, 1, 2}));
}

TEST(TransferQueueTest, TurnPassesOnAfterAFailure) {
  FakeQueue fake(8);
  fake.submit(fake.in_turn(0));
  fake.submit(fake.in_turn(1));
  ASSERT_EQ(fake.started(), Offsets{0});
  fake.backend().end_nth_transfer(0, TransferAnswer::failure(EIO));
  EXPECT_EQ(fake.started(), (Offsets{0, 1}));
  fake.end_all();
}

// ---- Interrupted before they began ----

TEST(TransferQueueTest, TransferThatNeverRanIsStartedAgain) {
  FakeQueue fake(1);
  fake.submit(fake.order(5));
  fake.submit(fake.order(6));
  ASSERT_EQ(fake.started(), Offsets{5});
  fake.backend().end_nth_transfer(0, TransferAnswer::never_ran());
  EXPECT_EQ(fake.started(), (Offsets{5, 5}));
  EXPECT_TRUE(fake.results().so_far().empty());
  fake.end(5);
  ASSERT_TRUE(fake.results().wait_for(1));
  EXPECT_EQ(fake.results().so_far(), Results{5});
  fake.end_all();
}

TEST(TransferQueueTest, TransferThatNeverRanKeepsItsTurn) {
  FakeQueue fake(8);
  fake.submit(fake.in_turn(0));
  fake.submit(fake.in_turn(1));
  ASSERT_EQ(fake.started(), Offsets{0});
  fake.backend().end_nth_transfer(0, TransferAnswer::never_ran());
  EXPECT_EQ(fake.started(), (Offsets{0, 0}));
  fake.end_all();
}

TEST(TransferQueueTest, TransferThatIsInterruptedEveryTimeFailsInTheEnd) {
  FakeQueue fake(1);
  fake.backend().answer_transfers_by([](const SubmittedTransfer&) { return TransferAnswer::never_ran(); });
  fake.submit(fake.order(0));
  ASSERT_TRUE(fake.results().wait_for(1));
  EXPECT_EQ(fake.results().so_far(), Results{-EINTR});
}

// ---- The thread ----

TEST(TransferQueueTest, NobodyIsWokenWhileNothingCanStart) {
  FakeQueue fake(2);
  fake.submit(fake.order(0));
  fake.submit(fake.order(1));
  ASSERT_EQ(fake.started(), (Offsets{0, 1}));
  const std::size_t wakes = fake.backend().wakes();
  for (off_t offset = 2; offset < 50; ++offset) fake.submit(fake.order(offset));
  EXPECT_EQ(fake.backend().wakes(), wakes);
  fake.end_all();
}

TEST(TransferQueueTest, SignalsOfTheProgramAreNotForItsThread) {
  FakeQueue fake(1);
  int blocked = -1;
  TransferOrder order = fake.order(0);
  order.callback = fake.results().callback([&] {
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    blocked = sigismember(&mask, SIGTERM);
  });
  fake.submit(std::move(order));
  fake.end_all();
  fake.queue().stop();
  EXPECT_EQ(blocked, 1);
}

}  // namespace
}  // namespace sluice::testing
