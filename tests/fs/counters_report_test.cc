#include "mount/counters_report.h"

#include <gtest/gtest.h>

#include <chrono>
#include <iterator>
#include <sstream>

namespace sluicefs {
namespace {

using std::chrono::microseconds;
using Words = std::vector<std::string>;

/// The words of the line that begins with `name`; none when there is none.
Words line_of(const std::vector<std::string>& lines, const std::string& name) {
  Words found;
  for (const std::string& line : lines) {
    std::istringstream stream(line);
    Words words{std::istream_iterator<std::string>(stream), std::istream_iterator<std::string>()};
    if (words.empty() || words.front() != name) continue;
    EXPECT_TRUE(found.empty()) << name << " stands there twice";
    found = std::move(words);
  }
  return found;
}

sluice::CountersSnapshot some_counters() {
  sluice::CountersSnapshot counters;
  counters.data = {11, 12, 13, 14, 15, 16, 17, 18, {}, {}};
  counters.full = {21, 22, 23, 24, 25, 26, 27, 28, {}, {}};
  counters.refused = 31;
  counters.changed_behind = 32;
  counters.early = {41, 30, 10, 42};
  return counters;
}

TEST(CountersReport, EachCounterHasALineWithItsNameAndBothKinds) {
  const auto lines = counters_report(some_counters(), "threads");
  EXPECT_EQ(line_of(lines, "counters"), (Words{"counters", "fdatasync", "fsync"}));
  EXPECT_EQ(line_of(lines, "barriers"), (Words{"barriers", "11", "21"}));
  EXPECT_EQ(line_of(lines, "elided"), (Words{"elided", "12", "22"}));
  EXPECT_EQ(line_of(lines, "accepted"), (Words{"accepted", "13", "23"}));
  EXPECT_EQ(line_of(lines, "joined"), (Words{"joined", "14", "24"}));
  EXPECT_EQ(line_of(lines, "failed"), (Words{"failed", "15", "25"}));
  EXPECT_EQ(line_of(lines, "cancelled"), (Words{"cancelled", "16", "26"}));
  EXPECT_EQ(line_of(lines, "syncs"), (Words{"syncs", "17", "27"}));
  EXPECT_EQ(line_of(lines, "sync-errors"), (Words{"sync-errors", "18", "28"}));
  EXPECT_EQ(line_of(lines, "refused"), (Words{"refused", "31"}));
  EXPECT_EQ(line_of(lines, "changed-behind"), (Words{"changed-behind", "32"}));
  EXPECT_EQ(line_of(lines, "early-syncs"), (Words{"early-syncs", "41"}));
  EXPECT_EQ(line_of(lines, "early-hits"), (Words{"early-hits", "30"}));
  EXPECT_EQ(line_of(lines, "early-misses"), (Words{"early-misses", "10"}));
  EXPECT_EQ(line_of(lines, "early-hit-rate"), (Words{"early-hit-rate", "75%"}));
  EXPECT_EQ(line_of(lines, "engine"), (Words{"engine", "threads"}));
}

TEST(CountersReport, PercentilesThatAreNotKnownAreHyphens) {
  const auto lines = counters_report({}, "io_uring");
  for (const char* const name :
       {"barrier-p50-us", "barrier-p90-us", "barrier-p99-us", "sync-p50-us", "sync-p90-us", "sync-p99-us"}) {
    EXPECT_EQ(line_of(lines, name), (Words{name, "-", "-"}));
  }
  EXPECT_EQ(line_of(lines, "early-hit-rate"), (Words{"early-hit-rate", "-"}));
}

/// Within a bucket of the histogram: at most a quarter too much.
void expect_about(const std::string& text, double expected) {
  const double value = std::stod(text);
  EXPECT_GE(value, expected * 0.99);
  EXPECT_LE(value, expected * 1.26);
}

TEST(CountersReport, PercentilesAreThoseOfTheLatencies) {
  sluice::EngineCounters live;
  auto& data = live.of(sluice::SyncKind::data);
  for (int i = 0; i < 80; ++i) data.barrier_latency.record(microseconds(100));
  for (int i = 0; i < 15; ++i) data.barrier_latency.record(microseconds(1000));
  for (int i = 0; i < 5; ++i) data.barrier_latency.record(microseconds(50'000));
  live.of(sluice::SyncKind::full).sync_latency.record(microseconds(2000));
  const auto lines = counters_report(live.snapshot(), "io_uring");
  expect_about(line_of(lines, "barrier-p50-us").at(1), 100);
  expect_about(line_of(lines, "barrier-p90-us").at(1), 1000);
  expect_about(line_of(lines, "barrier-p99-us").at(1), 50'000);
  EXPECT_EQ(line_of(lines, "barrier-p50-us").at(2), "-");
  EXPECT_EQ(line_of(lines, "sync-p50-us").at(1), "-");
  expect_about(line_of(lines, "sync-p50-us").at(2), 2000);
}

TEST(CountersReport, LargeNumbersKeepTheirColumnsApart) {
  sluice::CountersSnapshot counters;
  counters.data.barriers = counters.full.barriers = ~std::uint64_t{0};
  const auto lines = counters_report(counters, "threads");
  EXPECT_EQ(line_of(lines, "barriers"), (Words{"barriers", "18446744073709551615", "18446744073709551615"}));
}

}  // namespace
}  // namespace sluicefs
