#include "picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

#include "report.h"

namespace sluice::bench {
namespace {

// All lengths are in the units of the picture, about a pixel each.
constexpr double kLabelWidth = 220;
constexpr double kPlotWidth = 560;
constexpr double kRightMargin = 60;
constexpr double kTop = 48;
constexpr double kBar = 12;
constexpr double kBetweenGroups = 12;
constexpr std::array kColours{"#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#bbbbbb"};

/// From 1/32 to 64 times, beyond which bars are cut off.
constexpr double kLeastPower = -5;
constexpr double kMostPower = 6;

double across(double ratio) {
  const double power = std::clamp(std::log2(ratio), kLeastPower, kMostPower);
  return kLabelWidth + (power - kLeastPower) / (kMostPower - kLeastPower) * kPlotWidth;
}

std::string text_at(double x, double y, const std::string& anchor, const std::string& text) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor, text);
}

std::string bar_of(const Row& row, double y, const char* colour) {
  if (!row.ratio) {
    // "void", "failed", or nothing more to say.
    std::string why = row.note.substr(0, row.note.find(':'));
    std::ranges::transform(why, why.begin(), [](unsigned char letter) { return std::tolower(letter); });
    return text_at(across(1) + 4, y + kBar - 2, "start", row.contender + ": " + (why.empty() ? "-" : why));
  }
  const double from = std::min(across(1), across(*row.ratio));
  const double to = std::max(across(1), across(*row.ratio));
  return fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"{}\"/>\n",
                     from, y, std::max(to - from, 1.0), kBar - 2, colour) +
         text_at(to + 4, y + kBar - 3, "start", fmt::format("{:.2f}", *row.ratio));
}

std::string grid(double bottom) {
  std::string text;
  for (double power = kLeastPower; power <= kMostPower; ++power) {
    const double x = across(std::exp2(power));
    text += fmt::format("<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\" stroke=\"{3}\"/>\n", x,
                        kTop, bottom, power == 0 ? "#000" : "#ddd");
    text += text_at(
        x, kTop - 4, "middle",
        power < 0 ? fmt::format("1/{:.0f}", std::exp2(-power)) : fmt::format("{:.0f}", std::exp2(power)));
  }
  return text;
}

/// The contenders but the first, which all are measured by.
std::string legend(const std::vector<Series>& series) {
  std::string text =
      text_at(8, 17, "start", "times as good as " + series.front().contender.name + " (callers)");
  double x = kLabelWidth;
  for (std::size_t at = 1; at < series.size(); ++at) {
    const std::string& name = series[at].contender.name;
    text += fmt::format("<rect x=\"{}\" y=\"8\" width=\"10\" height=\"10\" fill=\"{}\"/>\n", x,
                        kColours[(at - 1) % kColours.size()]);
    text += text_at(x + 14, 17, "start", name);
    x += 30 + 7 * static_cast<double>(name.size());
  }
  return text;
}

}  // namespace

std::string picture_of(const std::vector<Comparison>& comparisons) {
  if (comparisons.empty()) return {};
  std::string bars;
  double y = kTop + kBetweenGroups;
  for (const Comparison& comparison : comparisons) {
    const std::vector<Row> rows = rows_of(comparison);
    bars += text_at(kLabelWidth - 8, y + kBar - 2, "end",
                    fmt::format("{} ({})", comparison.workload->name, comparison.callers));
    for (std::size_t at = 1; at < comparison.series.size(); ++at, y += kBar) {
      bars += bar_of(rows[at], y, kColours[(at - 1) % kColours.size()]);
    }
    y += kBetweenGroups;
  }
  const double width = kLabelWidth + kPlotWidth + kRightMargin;
  return fmt::format(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" "
             "font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" "
             "fill=\"#fff\"/>\n",
             width, y + kBetweenGroups) +
         legend(comparisons.front().series) + grid(y) + bars + "</svg>\n";
}

}  // namespace sluice::bench
