#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "recording.h"
#include "replay.h"

namespace sluice::testing {

/// A cut after which something was missing.
struct LossyCut {
  PowerCut cut;
  std::vector<std::string> losses;
};

struct SeriesReport {
  unsigned cuts = 0;
  std::vector<LossyCut> lossy;
};

/// Makes the cuts one after another; stops before the next one when `deadline` has passed. REQUIRES and
/// throws as PowerCuts.
[[nodiscard]] SeriesReport make_cuts(
    const Recording& recording, const std::vector<PowerCut>& cuts,
    std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max());

/// "lost", "kept", "some"; the other way round throws std::runtime_error for another word.
[[nodiscard]] std::string name_of(AtRisk at_risk);
[[nodiscard]] AtRisk at_risk_from(const std::string& name);

/// What was cut, what was missing, and the command that repeats exactly this cut while the recording is
/// there.
[[nodiscard]] std::string describe(const Recording& recording, const LossyCut& lossy);

}  // namespace sluice::testing
