#include "aio/waiting_transfers.h"

#include <gtest/gtest.h>

#include <vector>

namespace sluice::testing {
namespace {

constexpr FileKey kFile{.device = 1, .inode = 2};
constexpr FileKey kOther{.device = 1, .inode = 3};

class WaitingTransfersTest : public ::testing::Test {
 protected:
  TransferId push(Priority priority = {}, bool in_turn = false, const FileKey& file = kFile) {
    QueuedTransfer transfer{.id = TransferId(++last_), .order = {}};
    transfer.order.file = file;
    transfer.order.priority = priority;
    transfer.order.in_turn = in_turn;
    waiting_.push(std::move(transfer));
    return TransferId(last_);
  }
  TransferId push_in_turn(const FileKey& file = kFile) { return push({}, true, file); }

  /// Takes out all that may start.
  std::vector<TransferId> pop_all() {
    std::vector<TransferId> ids;
    while (const std::optional<QueuedTransfer> next = waiting_.pop()) ids.push_back(next->id);
    return ids;
  }

  WaitingTransfers waiting_;

 private:
  std::uint64_t last_ = 0;
};

using Ids = std::vector<TransferId>;

TEST_F(WaitingTransfersTest, NothingWaitsAtFirst) {
  EXPECT_TRUE(waiting_.none_ready());
  EXPECT_FALSE(waiting_.pop());
}

TEST_F(WaitingTransfersTest, HigherPriorityLeavesFirst) {
  const TransferId low = push(Priority(-1));
  const TransferId normal = push();
  const TransferId high = push(Priority(1));
  EXPECT_EQ(pop_all(), (Ids{high, normal, low}));
}

TEST_F(WaitingTransfersTest, OnePriorityLeavesInTheOrderOfSubmission) {
  const TransferId first = push();
  const TransferId second = push();
  EXPECT_EQ(pop_all(), (Ids{first, second}));
}

TEST_F(WaitingTransfersTest, WhoseTurnComesStandsWhereItsSubmissionPutsIt) {
  const TransferId first = push_in_turn();
  const TransferId second = push_in_turn();
  ASSERT_EQ(pop_all(), Ids{first});
  const TransferId later = push();
  waiting_.end_turn(kFile);
  EXPECT_EQ(pop_all(), (Ids{second, later}));
}

TEST_F(WaitingTransfersTest, FilesTakeTheirTurnsIndependently) {
  const TransferId here = push_in_turn(kFile);
  push_in_turn(kFile);
  const TransferId there = push_in_turn(kOther);
  EXPECT_EQ(pop_all(), (Ids{here, there}));
}

TEST_F(WaitingTransfersTest, TurnIsFreeWhenNobodyStandsBehindIt) {
  push_in_turn();
  pop_all();
  waiting_.end_turn(kFile);
  const TransferId later = push_in_turn();
  EXPECT_EQ(pop_all(), Ids{later});
}

TEST_F(WaitingTransfersTest, WhatStandsBehindATurnIsNotReady) {
  push_in_turn();
  push_in_turn();
  pop_all();
  EXPECT_TRUE(waiting_.none_ready());
}

TEST_F(WaitingTransfersTest, ErasingTheNextPassesItsTurnOn) {
  const TransferId next = push_in_turn();
  const TransferId behind = push_in_turn();
  EXPECT_EQ(waiting_.erase(next)->id, next);
  EXPECT_EQ(pop_all(), Ids{behind});
}

TEST_F(WaitingTransfersTest, ErasingOneBehindLeavesTheOthersInOrder) {
  const TransferId first = push_in_turn();
  const TransferId second = push_in_turn();
  const TransferId third = push_in_turn();
  EXPECT_EQ(waiting_.erase(second)->id, second);
  EXPECT_EQ(pop_all(), Ids{first});
  waiting_.end_turn(kFile);
  EXPECT_EQ(pop_all(), Ids{third});
}

TEST_F(WaitingTransfersTest, WhatDoesNotWaitCannotBeErased) {
  const TransferId first = push();
  pop_all();
  EXPECT_FALSE(waiting_.erase(first));
  const TransferId second = push();
  EXPECT_TRUE(waiting_.erase(second));
  EXPECT_FALSE(waiting_.erase(second));
}

}  // namespace
}  // namespace sluice::testing
