#pragma once

#include <vector>

namespace sluice::bench {

/// The middle one, or the mean of the two in the middle. REQUIRES: there are values.
[[nodiscard]] double median(std::vector<double> values);

/// Half the distance between the quartiles, as a part of the median: 0.05 says that the middle half of the
/// values lies within about 5 % of it. 0 for fewer than four values, which have no quartiles worth the name.
[[nodiscard]] double spread(std::vector<double> values);

/// The value below which the part `part` (0 to 1) of the values lies. REQUIRES: there are values.
[[nodiscard]] double percentile(std::vector<double> values, double part);

enum class Better : unsigned char { higher, lower };

/// How many times as good `ours` is as `theirs`: the median of the ratios within each round, so that what
/// slowed down a whole round does not count. Above 1 is better, whichever way the figure counts.
/// REQUIRES: as many of one as of the other, at least one, in the order of the rounds.
[[nodiscard]] double ratio(const std::vector<double>& ours, const std::vector<double>& theirs, Better better);

}  // namespace sluice::bench
