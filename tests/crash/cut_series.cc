#include "cut_series.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "power_cuts.h"

namespace sluice::testing {
namespace {

constexpr std::size_t kLinesMax = 12;

}  // namespace

SeriesReport make_cuts(const Recording& recording, const std::vector<PowerCut>& cuts,
                       std::chrono::steady_clock::time_point deadline) {
  PowerCuts power(recording);
  SeriesReport report;
  for (const PowerCut& cut : cuts) {
    if (std::chrono::steady_clock::now() >= deadline) break;
    std::vector<std::string> losses = power.losses(cut);
    ++report.cuts;
    if (!losses.empty()) report.lossy.push_back({cut, std::move(losses)});
  }
  return report;
}

std::string name_of(AtRisk at_risk) {
  switch (at_risk) {
    case AtRisk::lost:
      return "lost";
    case AtRisk::kept:
      return "kept";
    case AtRisk::some:
      break;
  }
  return "some";
}

AtRisk at_risk_from(const std::string& name) {
  for (const AtRisk at_risk : {AtRisk::lost, AtRisk::kept, AtRisk::some}) {
    if (name == name_of(at_risk)) return at_risk;
  }
  throw std::runtime_error(name + " is none of lost, kept, some");
}

std::string describe(const Recording& recording, const LossyCut& lossy) {
  const PowerCut& cut = lossy.cut;
  std::string text =
      fmt::format("LOST: {} on {}, workload seed {}, power cut at {} of [{}, {}], at risk: {}, cut seed {}\n",
                  recording.workload->name(), name_of(recording.file_system), recording.seed, cut.position,
                  recording.range.begin, recording.range.end, name_of(cut.at_risk), cut.seed);
  for (std::size_t i = 0; i < std::min(lossy.losses.size(), kLinesMax); ++i) {
    text += "  " + lossy.losses[i] + "\n";
  }
  if (lossy.losses.size() > kLinesMax)
    text += fmt::format("  and {} more\n", lossy.losses.size() - kLinesMax);
  return text +
         fmt::format("Repeat it: sluicefs-powercut repeat {} --position {} --at-risk {} --cut-seed {}\n",
                     recording.directory.string(), cut.position, name_of(cut.at_risk), cut.seed);
}

}  // namespace sluice::testing
