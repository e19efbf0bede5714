#include "cut_plan.h"

#include <algorithm>
#include <array>
#include <random>

namespace sluice::testing {
namespace {

constexpr std::array kKinds{AtRisk::some, AtRisk::lost, AtRisk::some, AtRisk::kept};
/// How far from an acknowledgement a cut at it may lie.
constexpr std::uint64_t kNear = 3;

std::uint64_t near(std::uint64_t acknowledged, LogRange range, std::uint64_t lot) {
  // Every second one exactly there: nothing that came after it can then hide what is missing.
  const std::uint64_t shift = lot % 2 == 0 ? kNear : lot / 2 % (2 * kNear + 1);
  return std::clamp(acknowledged + shift, range.begin + kNear, range.end + kNear) - kNear;
}

}  // namespace

std::vector<PowerCut> plan_cuts(LogRange range, const std::vector<std::uint64_t>& acknowledged_at,
                                unsigned count, std::uint64_t seed) {
  // Not std::uniform_int_distribution, which may give other numbers with another library.
  std::mt19937_64 random(seed);
  std::vector<PowerCut> cuts;
  for (unsigned i = 0; i < count; ++i) {
    PowerCut cut{range.begin + random() % (range.end - range.begin + 1), kKinds[i % kKinds.size()], random()};
    if (i / kKinds.size() % 2 == 0 && !acknowledged_at.empty()) {
      cut.position = near(acknowledged_at[random() % acknowledged_at.size()], range, random());
    }
    cuts.push_back(cut);
  }
  std::ranges::stable_sort(cuts, {}, &PowerCut::position);
  return cuts;
}

}  // namespace sluice::testing
