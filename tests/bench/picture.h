#pragma once

#include <string>
#include <vector>

#include "runner.h"

namespace sluice::bench {

/// An SVG of the ratios to the first contender: a group of bars for each work, by its first figure, on a
/// scale of powers. Void ones have no bar.
[[nodiscard]] std::string picture_of(const std::vector<Comparison>& comparisons);

}  // namespace sluice::bench
