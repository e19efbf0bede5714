#include "ops/handle_table.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>

namespace sluicefs {
namespace {

struct Open {
  int number = 0;
};
using Table = HandleTable<Open>;

std::shared_ptr<Open> open(int number) {
  return std::make_shared<Open>(Open{number});
}

TEST(HandleTable, AHandleFindsWhatWasInserted) {
  Table table;
  const std::uint64_t a = table.insert(open(1));
  const std::uint64_t b = table.insert(open(2));
  EXPECT_NE(a, b);
  EXPECT_EQ(table.find(a)->number, 1);
  EXPECT_EQ(table.find(b)->number, 2);
  EXPECT_EQ(table.size(), 2U);
}

TEST(HandleTable, ARemovedHandleIsHandedOutAndFindsNothingAnyMore) {
  Table table;
  const std::uint64_t a = table.insert(open(1));
  EXPECT_EQ(table.remove(a)->number, 1);
  EXPECT_FALSE(table.find(a));
  EXPECT_FALSE(table.remove(a));
  EXPECT_EQ(table.size(), 0U);
}

TEST(HandleTable, AStaleNumberDoesNotFindTheNextOwnerOfItsPlace) {
  Table table;
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t id = table.insert(open(i));
    EXPECT_TRUE(seen.insert(id).second);
    for (const std::uint64_t earlier : seen) {
      EXPECT_EQ(table.find(earlier) != nullptr, earlier == id);
    }
    table.remove(id);
  }
}

TEST(HandleTable, ForgedNumbersFindNothing) {
  Table table;
  const std::uint64_t id = table.insert(open(1));
  table.remove(table.insert(open(2)));  // A place that nobody has.
  for (const std::uint64_t forged :
       {std::uint64_t{0}, std::uint64_t{1}, id + 1, id + 2, id - (std::uint64_t{1} << 32),
        id + (std::uint64_t{1} << 32), std::uint64_t{1} << 63, ~std::uint64_t{0}}) {
    EXPECT_FALSE(table.find(forged)) << forged;
    EXPECT_FALSE(table.remove(forged)) << forged;
  }
  EXPECT_EQ(table.find(id)->number, 1);
}

TEST(HandleTable, ItDoesNotGrowByHandlesThatAreClosed) {
  Table table;
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t id = table.insert(open(i));
    EXPECT_EQ(id & 0xffffffffU, 0U);  // The one place there is.
    table.remove(id);
  }
}

TEST(HandleTable, WhatIsInUseOutlivesItsRemoval) {
  Table table;
  const std::uint64_t id = table.insert(open(7));
  const std::shared_ptr<Open> in_use = table.find(id);
  table.remove(id);
  EXPECT_EQ(in_use->number, 7);
  EXPECT_EQ(in_use.use_count(), 1);
}

TEST(HandleTable, ThreadsFindTheirOwn) {
  Table table;
  std::vector<std::thread> threads;
  for (int number = 0; number < 4; ++number) {
    threads.emplace_back([&table, number] {
      for (int round = 0; round < 500; ++round) {
        const std::uint64_t id = table.insert(open(number));
        EXPECT_EQ(table.find(id)->number, number);
        EXPECT_EQ(table.remove(id)->number, number);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(table.size(), 0U);
}

}  // namespace
}  // namespace sluicefs
