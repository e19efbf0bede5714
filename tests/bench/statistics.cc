#include "statistics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "sluice/check.h"

namespace sluice::bench {

double percentile(std::vector<double> values, double part) {
  SLUICE_CHECK(!values.empty());
  const double at = part * static_cast<double>(values.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const auto nth = values.begin() + static_cast<std::ptrdiff_t>(low);
  std::ranges::nth_element(values, nth);
  if (low + 1 == values.size()) return *nth;
  const double next = *std::min_element(nth + 1, values.end());
  return std::lerp(*nth, next, at - static_cast<double>(low));
}

double median(std::vector<double> values) {
  return percentile(std::move(values), 0.5);
}

double spread(std::vector<double> values) {
  constexpr std::size_t kQuartiles = 4;
  if (values.size() < kQuartiles) return 0;
  const double middle = median(values);
  if (middle == 0) return 0;
  return (percentile(values, 0.75) - percentile(values, 0.25)) / 2 / middle;
}

double ratio(const std::vector<double>& ours, const std::vector<double>& theirs, Better better) {
  SLUICE_CHECK(ours.size() == theirs.size());
  std::vector<double> ratios;
  for (std::size_t round = 0; round < ours.size(); ++round) {
    ratios.push_back(better == Better::higher ? ours[round] / theirs[round] : theirs[round] / ours[round]);
  }
  return median(std::move(ratios));
}

}  // namespace sluice::bench
