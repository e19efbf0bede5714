#include "mount/counters_report.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <utility>

#include <fmt/format.h>

namespace sluicefs {

using sluice::KindCounters;
using sluice::LatencyHistogram;

namespace {

template <typename Left, typename Right>
std::string line(std::string_view name, const Left& data, const Right& full) {
  return fmt::format("{:<16} {:>12} {:>12}", name, data, full);
}

std::string microseconds(const LatencyHistogram::Snapshot& latency, double share) {
  if (latency.total() == 0) return "-";
  return fmt::format("{:.0f}", std::chrono::duration<double, std::micro>(latency.percentile(share)).count());
}

std::string hit_rate(const sluice::EarlySyncCounts& early) {
  const std::uint64_t decided = early.hits + early.misses;
  if (decided == 0) return "-";
  return fmt::format("{:.0f}%", 100.0 * static_cast<double>(early.hits) / static_cast<double>(decided));
}

}  // namespace

std::vector<std::string> counters_report(const sluice::CountersSnapshot& counters, std::string_view engine) {
  using Count = std::pair<std::string_view, std::uint64_t KindCounters::*>;
  constexpr std::array<Count, 8> kCounts = {{{"barriers", &KindCounters::barriers},
                                             {"elided", &KindCounters::elided},
                                             {"accepted", &KindCounters::accepted},
                                             {"joined", &KindCounters::joined},
                                             {"failed", &KindCounters::failed},
                                             {"cancelled", &KindCounters::cancelled},
                                             {"syncs", &KindCounters::syncs},
                                             {"sync-errors", &KindCounters::sync_errors}}};
  using Latency = std::pair<std::string_view, LatencyHistogram::Snapshot KindCounters::*>;
  constexpr std::array<Latency, 2> kLatencies = {
      {{"barrier", &KindCounters::barrier_latency}, {"sync", &KindCounters::sync_latency}}};
  constexpr std::array kPercentiles = {50, 90, 99};

  std::vector<std::string> lines = {line("counters", "fdatasync", "fsync")};
  for (const auto& [name, member] : kCounts) {
    lines.push_back(line(name, counters.data.*member, counters.full.*member));
  }
  for (const auto& [name, member] : kLatencies) {
    for (const int percent : kPercentiles) {
      const double share = percent / 100.0;
      lines.push_back(line(fmt::format("{}-p{}-us", name, percent),
                           microseconds(counters.data.*member, share),
                           microseconds(counters.full.*member, share)));
    }
  }
  lines.push_back(fmt::format("{:<16} {:>12}", "refused", counters.refused));
  lines.push_back(fmt::format("{:<16} {:>12}", "changed-behind", counters.changed_behind));
  lines.push_back(fmt::format("{:<16} {:>12}", "early-syncs", counters.early.started));
  lines.push_back(fmt::format("{:<16} {:>12}", "early-hits", counters.early.hits));
  lines.push_back(fmt::format("{:<16} {:>12}", "early-misses", counters.early.misses));
  lines.push_back(fmt::format("{:<16} {:>12}", "early-hit-rate", hit_rate(counters.early)));
  lines.push_back(fmt::format("{:<16} {:>12}", "engine", engine));
  return lines;
}

}  // namespace sluicefs
