#include "cut_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace sluice::testing {
namespace {

constexpr LogRange kRange{1000, 3000};
const std::vector<std::uint64_t> kAcknowledged{1001, 1500, 3000};

TEST(CutPlanTest, CutsLieInTheRangeAndRise) {
  const std::vector<PowerCut> cuts = plan_cuts(kRange, kAcknowledged, 500, 1);
  ASSERT_EQ(cuts.size(), 500U);
  EXPECT_TRUE(std::ranges::is_sorted(cuts, {}, &PowerCut::position));
  EXPECT_GE(cuts.front().position, kRange.begin);
  EXPECT_LE(cuts.back().position, kRange.end);
}

TEST(CutPlanTest, HalfOfTheCutsAreAtAcknowledgementsAndHalfAnywhere) {
  std::size_t near = 0;
  for (const PowerCut& cut : plan_cuts(kRange, kAcknowledged, 1000, 2)) {
    near += std::ranges::any_of(kAcknowledged, [&](std::uint64_t acknowledged) {
      return cut.position + 3 >= acknowledged && cut.position <= acknowledged + 3;
    });
  }
  EXPECT_GE(near, 500U);
  EXPECT_LE(near, 550U);
}

TEST(CutPlanTest, AQuarterOfTheCutsIsExactlyAtAnAcknowledgement) {
  std::map<std::uint64_t, int> count;
  for (const PowerCut& cut : plan_cuts(kRange, {2000}, 1000, 3)) ++count[cut.position];
  EXPECT_GT(count[2000], 250);
  for (std::uint64_t position = 1997; position <= 2003; ++position) EXPECT_GT(count[position], 10);
}

TEST(CutPlanTest, EveryKindHasItsShareInASmallPlanToo) {
  std::map<AtRisk, int> count;
  for (const PowerCut& cut : plan_cuts(kRange, kAcknowledged, 8, 4)) ++count[cut.at_risk];
  EXPECT_EQ(count[AtRisk::some], 4);
  EXPECT_EQ(count[AtRisk::lost], 2);
  EXPECT_EQ(count[AtRisk::kept], 2);
}

TEST(CutPlanTest, TheSameSeedPlansTheSameAndAnotherAnother) {
  const auto positions = [](std::uint64_t seed) {
    std::vector<std::uint64_t> all;
    for (const PowerCut& cut : plan_cuts(kRange, kAcknowledged, 20, seed)) all.push_back(cut.position);
    return all;
  };
  EXPECT_EQ(positions(5), positions(5));
  EXPECT_NE(positions(5), positions(6));
}

TEST(CutPlanTest, ARunWithoutEntriesOrAcknowledgementsIsCutToo) {
  const std::vector<PowerCut> cuts = plan_cuts({7, 7}, {}, 4, 7);
  ASSERT_EQ(cuts.size(), 4U);
  EXPECT_EQ(cuts.back().position, 7U);
}

}  // namespace
}  // namespace sluice::testing
