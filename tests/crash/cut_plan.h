#pragma once

#include <cstdint>
#include <vector>

#include "replay.h"

namespace sluice::testing {

/// The part of a log in which a workload ran.
struct LogRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

/// `count` cuts in rising order of position, the same for the same arguments. Half of them lie anywhere in
/// `range`, half at an acknowledgement or a few entries from it, where a promise is youngest. Half of each
/// cast lots over what is at risk; a quarter lose all of it, a quarter keep it.
[[nodiscard]] std::vector<PowerCut> plan_cuts(LogRange range,
                                              const std::vector<std::uint64_t>& acknowledged_at,
                                              unsigned count, std::uint64_t seed);

}  // namespace sluice::testing
