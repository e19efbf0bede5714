#include "report.h"

#include <gtest/gtest.h>

#include "picture.h"
#include "workload_families.h"

namespace sluice::bench {
namespace {

/// Runs of one second with so many operations in each.
std::vector<Sample> rounds(std::initializer_list<double> operations) {
  std::vector<Sample> samples;
  for (const double count : operations) {
    samples.push_back({.operations = count, .seconds = 1, .acknowledged = 10, .flushes = 5});
  }
  return samples;
}

Series series(const std::string& name, std::initializer_list<double> operations, bool is_peer = false) {
  return {.contender = {.name = name, .mount_command = {}, .launcher = {}, .is_peer = is_peer},
          .samples = rounds(operations),
          .proof = {},
          .failure = {}};
}

class ReportTest : public ::testing::Test {
 protected:
  [[nodiscard]] Row row_of(const std::string& contender) const {
    for (Row& row : rows_of(comparison_)) {
      if (row.contender == contender) return row;
    }
    ADD_FAILURE() << "no row of " << contender;
    return {};
  }
  Series& of(const std::string& contender) {
    for (Series& one : comparison_.series) {
      if (one.contender.name == contender) return one;
    }
    throw std::runtime_error("no " + contender);
  }

  Comparison comparison_{.workload = &workload_named("overwrite"),
                         .callers = 4,
                         .series = {series("native", {100, 10, 100}), series("sluicefs", {50, 5, 50}),
                                    series("slow", {10, 1, 10}, true), series("fast", {25, 2.5, 25}, true)}};
};

TEST_F(ReportTest, RatiosAreToTheFirstAndToTheBestPeer) {
  EXPECT_DOUBLE_EQ(row_of("native").ratio.value(), 1);
  EXPECT_DOUBLE_EQ(row_of("sluicefs").ratio.value(), 0.5);
  EXPECT_DOUBLE_EQ(row_of("sluicefs").ratio_to_best_peer.value(), 2);
  EXPECT_EQ(row_of("sluicefs").ratios,
            (std::map<std::string, double>{{"native", 0.5}, {"slow", 5}, {"fast", 2}}));
  EXPECT_FALSE(row_of("fast").ratio_to_best_peer.has_value()) << "a peer is not compared with itself";
}

TEST_F(ReportTest, AVoidOneHasNoRatioAndSaysWhy) {
  of("sluicefs").proof = {.cuts = 3, .facts = 9, .losses = {"one", "two"}};
  const Row row = row_of("sluicefs");
  EXPECT_FALSE(row.ratio.has_value());
  EXPECT_FALSE(row.ratio_to_best_peer.has_value());
  EXPECT_EQ(row.note, "VOID: 2 of 9 acknowledged places lost in 3 power cuts");
  EXPECT_NE(table_of({row}).find(row.note), std::string::npos);
  EXPECT_TRUE(json_of({comparison_}, {}).at("series").at(1).at("void").get<bool>());
}

TEST_F(ReportTest, AVoidPeerIsNotTheBest) {
  of("fast").proof.losses = {"one"};
  EXPECT_DOUBLE_EQ(row_of("sluicefs").ratio_to_best_peer.value(), 5);
}

TEST_F(ReportTest, APeerThatFailedIsSaidToHave) {
  of("fast").samples.clear();
  of("fast").failure = "it ended\nand more";
  EXPECT_EQ(row_of("fast").note, "FAILED: it ended");
  EXPECT_FALSE(row_of("fast").ratio.has_value());
  EXPECT_DOUBLE_EQ(row_of("sluicefs").ratio_to_best_peer.value(), 5);
}

TEST_F(ReportTest, WhoDoesNotClaimDurabilityIsSaidNotTo) {
  of("fast").contender.claims_strict = false;
  EXPECT_EQ(row_of("fast").note, "does not claim durability");
}

TEST_F(ReportTest, FlushesAreCountedForEachAcknowledgement) {
  EXPECT_DOUBLE_EQ(row_of("native").flushes_per_ack.value(), 0.5);
}

TEST_F(ReportTest, ALatencyIsBetterWhenItIsLess) {
  const WorkloadKind& kind = workload_named("read-beside-syncs");
  comparison_.workload = &kind;
  of("native").samples.assign(1, {.operations = 1, .seconds = 1, .latency = {.p50_us = 10, .p99_us = 20}});
  of("sluicefs").samples.assign(1, {.operations = 1, .seconds = 1, .latency = {.p50_us = 5, .p99_us = 40}});
  comparison_.series.resize(2);
  const std::vector<Row> rows = rows_of(comparison_);
  EXPECT_EQ(rows.at(1).figure, "p50");
  EXPECT_DOUBLE_EQ(rows.at(1).ratio.value(), 2);
  EXPECT_EQ(rows.at(3).figure, "p99");
  EXPECT_DOUBLE_EQ(rows.at(3).ratio.value(), 0.5);
}

TEST_F(ReportTest, ThePictureHasABarForEachButTheFirstAndTheVoid) {
  of("slow").proof.losses = {"one"};
  const std::string picture = picture_of({comparison_});
  std::size_t bars = 0;
  // Bars have a decimal, boxes of the legend have none.
  for (std::size_t at = 0; (at = picture.find("height=\"10.0\"", at)) != std::string::npos; ++at) ++bars;
  EXPECT_EQ(bars, 2U);
  EXPECT_NE(picture.find("slow: void"), std::string::npos);
  EXPECT_NE(picture.find("</svg>"), std::string::npos);
}

}  // namespace
}  // namespace sluice::bench
