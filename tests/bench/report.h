#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "runner.h"

namespace sluice::bench {

/// One line of the report: a figure of a work by a contender.
struct Row {
  std::string workload = {};
  unsigned callers = 1;
  std::string figure = {};
  std::string unit = {};
  std::string contender = {};
  double median = 0;
  /// As spread().
  double spread = 0;
  /// The first contender.
  std::string base = {};
  /// How many times as good as that, as ratio(); none for a void one or against a void one.
  std::optional<double> ratio = {};
  /// The same against the best of the peers that are not void, for those that are no peers.
  std::optional<double> ratio_to_best_peer = {};
  /// The same against each of the others by name, where there is one.
  std::map<std::string, double> ratios = {};
  /// Medians over the rounds.
  double p50_us = 0;
  double p99_us = 0;
  /// Of the mount's server; none when there is none.
  std::optional<double> server_cpu_us = {};
  /// None when nothing was acknowledged.
  std::optional<double> flushes_per_ack = {};
  /// What has to be known before it is believed: void, failed, or nothing.
  std::string note = {};
};

[[nodiscard]] std::vector<Row> rows_of(const Comparison& comparison);

/// For people: a heading for each work, a line for each row.
[[nodiscard]] std::string table_of(const std::vector<Row>& rows);

/// All rows, and the samples of each round below them. `about` is added as it is.
[[nodiscard]] nlohmann::json json_of(const std::vector<Comparison>& comparisons, nlohmann::json about);

}  // namespace sluice::bench
