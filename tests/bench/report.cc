#include "report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

namespace sluice::bench {
namespace {

using nlohmann::json;
using Get = std::function<double(const Sample&)>;

std::vector<double> values_of(const Series& series, const Get& get) {
  std::vector<double> result;
  for (const Sample& sample : series.samples) result.push_back(get(sample));
  return result;
}

/// 0 for one that failed.
double median_of(const Series& series, const Get& get) {
  return series.samples.empty() ? 0 : median(values_of(series, get));
}

std::optional<double> ratio_of(const Series& ours, const Series& theirs, const Figure& figure) {
  if (!ours.counts() || !theirs.counts()) return std::nullopt;
  const double value = ratio(values_of(ours, figure.of), values_of(theirs, figure.of), figure.better);
  // What one of them has nothing of, such as the memory of a server, has no ratio.
  return std::isfinite(value) && value > 0 ? std::optional(value) : std::nullopt;
}

/// The best of the peers whose word was found good; none when there is none.
const Series* best_peer(const Comparison& comparison, const Figure& figure) {
  const Series* best = nullptr;
  for (const Series& series : comparison.series) {
    if (!series.contender.is_peer || !series.counts()) continue;
    if (best == nullptr || *ratio_of(series, *best, figure) > 1) best = &series;
  }
  return best;
}

std::string note_on(const Series& series, bool acknowledges) {
  if (!series.failure.empty()) return "FAILED: " + series.failure.substr(0, series.failure.find('\n'));
  if (series.is_void()) {
    return fmt::format("VOID: {} of {} acknowledged places lost in {} power cuts", series.proof.losses.size(),
                       series.proof.facts, series.proof.cuts);
  }
  if (acknowledges && !series.contender.claims_strict) return "does not claim durability";
  return {};
}

Row row_of(const Comparison& comparison, const Series& series, const Figure& figure) {
  Row row{.workload = comparison.workload->name,
          .callers = comparison.callers,
          .figure = figure.name,
          .unit = figure.unit,
          .contender = series.contender.name,
          .median = median_of(series, figure.of),
          .spread = spread(values_of(series, figure.of)),
          .base = comparison.series.front().contender.name,
          .ratio = ratio_of(series, comparison.series.front(), figure),
          .p50_us = median_of(series, [](const Sample& sample) { return sample.latency.p50_us; }),
          .p99_us = median_of(series, [](const Sample& sample) { return sample.latency.p99_us; }),
          .note = note_on(series, comparison.workload->acknowledges)};
  for (const Series& other : comparison.series) {
    if (const auto found = ratio_of(series, other, figure); found && &other != &series) {
      row.ratios[other.contender.name] = *found;
    }
  }
  if (const Series* peer = best_peer(comparison, figure); peer != nullptr && !series.contender.is_peer) {
    row.ratio_to_best_peer = ratio_of(series, *peer, figure);
  }
  if (!series.samples.empty() && series.samples.front().acknowledged > 0) {
    row.flushes_per_ack = median_of(series, [](const Sample& sample) {
      return static_cast<double>(sample.flushes) / static_cast<double>(sample.acknowledged);
    });
  }
  if (!series.contender.mount_command.empty()) {
    row.server_cpu_us = median_of(
        series, [](const Sample& sample) { return sample.server.cpu_seconds * 1e6 / sample.operations; });
  }
  return row;
}

std::string or_dash(const std::optional<double>& value) {
  constexpr double kSmall = 0.1;
  if (!value) return "-";
  return *value < kSmall ? fmt::format("{:.2g}", *value) : fmt::format("{:.2f}", *value);
}

json or_null(const std::optional<double>& value) {
  return value ? json(*value) : json();
}

json json_of(const Row& row) {
  return {{"workload", row.workload},
          {"callers", row.callers},
          {"figure", row.figure},
          {"unit", row.unit},
          {"contender", row.contender},
          {"median", row.median},
          {"spread", row.spread},
          {"ratio", or_null(row.ratio)},
          {"ratios", row.ratios},
          {"ratio_to_best_peer", or_null(row.ratio_to_best_peer)},
          {"p50_us", row.p50_us},
          {"p99_us", row.p99_us},
          {"server_cpu_us", or_null(row.server_cpu_us)},
          {"flushes_per_ack", or_null(row.flushes_per_ack)},
          {"note", row.note}};
}

json json_of(const Series& series) {
  json samples = json::array();
  for (const Sample& sample : series.samples) {
    samples.push_back({{"operations", sample.operations},
                       {"seconds", sample.seconds},
                       {"p50_us", sample.latency.p50_us},
                       {"p99_us", sample.latency.p99_us},
                       {"quiet_p50_us", sample.quiet.p50_us},
                       {"quiet_p99_us", sample.quiet.p99_us},
                       {"acknowledged", sample.acknowledged},
                       {"flushes", sample.flushes},
                       {"written_bytes", sample.written_bytes},
                       {"server_cpu_seconds", sample.server.cpu_seconds},
                       {"server_memory_bytes", sample.server.memory_bytes},
                       {"server_descriptors", sample.server.descriptors}});
  }
  return {{"contender", series.contender.name},
          {"command", series.contender.mount_command},
          {"claims_strict", series.contender.claims_strict},
          {"void", series.is_void()},
          {"failure", series.failure},
          {"power_cuts", series.proof.cuts},
          {"facts_checked", series.proof.facts},
          {"losses", series.proof.losses},
          {"samples", samples}};
}

}  // namespace

std::vector<Row> rows_of(const Comparison& comparison) {
  std::vector<Row> rows;
  for (const Figure& figure : comparison.workload->figures) {
    for (const Series& series : comparison.series) rows.push_back(row_of(comparison, series, figure));
  }
  return rows;
}

std::string table_of(const std::vector<Row>& rows) {
  std::string text;
  std::string heading;
  for (const Row& row : rows) {
    const std::string ours = fmt::format("{}, {} caller{}: {} ({})", row.workload, row.callers,
                                         row.callers == 1 ? "" : "s", row.figure, row.unit);
    if (ours != heading) {
      heading = ours;
      text += fmt::format("\n{}\n  {:22} {:>11} {:>6} {:>15} {:>11} {:>11} {:>11} {:>11} {:>12}\n", heading,
                          "", "median", "±", "/" + row.base, "/best peer", "p50 us", "p99 us", "server us",
                          "flushes/ack");
    }
    text += fmt::format("  {:22} {:11.5g} {:5.0f}% {:>15} {:>11} {:11.1f} {:11.1f} {:>11} {:>12}  {}\n",
                        row.contender, row.median, row.spread * 100, or_dash(row.ratio),
                        or_dash(row.ratio_to_best_peer), row.p50_us, row.p99_us, or_dash(row.server_cpu_us),
                        or_dash(row.flushes_per_ack), row.note);
  }
  return text;
}

json json_of(const std::vector<Comparison>& comparisons, json about) {
  json rows = json::array();
  json series = json::array();
  for (const Comparison& comparison : comparisons) {
    for (const Row& row : rows_of(comparison)) rows.push_back(json_of(row));
    for (const Series& one : comparison.series) {
      json entry = json_of(one);
      entry["workload"] = comparison.workload->name;
      entry["callers"] = comparison.callers;
      series.push_back(std::move(entry));
    }
  }
  about["rows"] = std::move(rows);
  about["series"] = std::move(series);
  return about;
}

}  // namespace sluice::bench
