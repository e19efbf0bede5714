#include "statistics.h"

#include <gtest/gtest.h>

namespace sluice::bench {
namespace {

TEST(Statistics, MedianOfAnEvenNumberIsTheMeanOfTheMiddleTwo) {
  EXPECT_DOUBLE_EQ(median({3, 1, 2}), 2);
  EXPECT_DOUBLE_EQ(median({4, 1, 3, 2}), 2.5);
  EXPECT_DOUBLE_EQ(median({7}), 7);
}

TEST(Statistics, PercentileLiesBetweenTheValuesAroundIt) {
  EXPECT_DOUBLE_EQ(percentile({30, 10, 20}, 0), 10);
  EXPECT_DOUBLE_EQ(percentile({30, 10, 20}, 1), 30);
  EXPECT_DOUBLE_EQ(percentile({30, 10, 20}, 0.75), 25);
}

TEST(Statistics, SpreadIsHalfTheDistanceOfTheQuartilesOverTheMedian) {
  EXPECT_DOUBLE_EQ(spread({8, 9, 10, 11, 12}), 0.1);
  EXPECT_DOUBLE_EQ(spread({1, 100, 10}), 0) << "three values have no quartiles";
}

TEST(Statistics, SpreadLeavesOutliersOut) {
  EXPECT_DOUBLE_EQ(spread({10, 10, 10, 10, 1000}), 0);
}

TEST(Statistics, RatioIsTakenWithinEachRound) {
  // Every second round the machine is ten times as slow; ours is twice as fast all the same.
  EXPECT_DOUBLE_EQ(ratio({200, 20, 200, 20}, {100, 10, 100, 10}, Better::higher), 2);
  // The ratio of the medians would be 1.
  EXPECT_DOUBLE_EQ(ratio({10, 20, 30}, {5, 40, 10}, Better::higher), 2);
}

TEST(Statistics, RatioIsAboveOneForWhatIsBetter) {
  EXPECT_DOUBLE_EQ(ratio({5}, {10}, Better::lower), 2);
  EXPECT_DOUBLE_EQ(ratio({5}, {10}, Better::higher), 0.5);
}

}  // namespace
}  // namespace sluice::bench
