#include "mount/parse_value.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <utility>

namespace sluicefs {

namespace {

/// Levenshtein's distance.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = std::exchange(row[j + 1], std::min({changed, row[j] + 1, row[j + 1] + 1}));
    }
  }
  return row.back();
}

}  // namespace

std::optional<unsigned> parse_number(std::string_view text) {
  unsigned value = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return value;
}

std::optional<std::chrono::duration<double>> parse_duration(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, double>, 6> kUnits = {
      {{"", 1.0}, {"us", 1e-6}, {"ms", 1e-3}, {"s", 1.0}, {"m", 60.0}, {"h", 3600.0}}};
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  if (error != std::errc() || !std::isfinite(value) || std::signbit(value)) return std::nullopt;
  const std::string_view unit(stopped, static_cast<std::size_t>(end - stopped));
  const auto* const found =
      std::find_if(kUnits.begin(), kUnits.end(), [unit](const auto& known) { return known.first == unit; });
  if (found == kUnits.end()) return std::nullopt;
  return std::chrono::duration<double>(value * found->second);
}

std::vector<std::string> split_option_list(std::string_view list) {
  std::vector<std::string> items(1);
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (list[i] == ',') {
      items.emplace_back();
    } else {
      if (list[i] == '\\' && i + 1 < list.size()) ++i;
      items.back() += list[i];
    }
  }
  std::erase(items, "");
  return items;
}

std::optional<std::string_view> nearest_name(std::string_view typed,
                                             std::span<const std::string_view> names) {
  const auto* best = static_cast<const std::string_view*>(nullptr);
  std::size_t best_distance = std::max<std::size_t>(1, typed.size() / 3) + 1;
  for (const std::string_view& name : names) {
    const std::size_t away = distance(typed, name);
    // A word of which every letter was replaced resembles nothing.
    if (away < best_distance && away < name.size()) {
      best = &name;
      best_distance = away;
    }
  }
  if (best == nullptr) return std::nullopt;
  return *best;
}

}  // namespace sluicefs
