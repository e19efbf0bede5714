#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "contender.h"
#include "interrupt.h"
#include "job.h"
#include "proof.h"
#include "workload.h"

namespace sluice::bench {

/// Where a contender is run.
struct Place {
  /// The file system under all of them.
  std::filesystem::path disk = {};
  /// As DiskGauge takes it.
  std::string gauge = {};
  /// Elsewhere: for mount points and archives.
  std::filesystem::path scratch = {};
  /// The disk records what is written to it.
  bool records = false;
};

/// What is run.
struct Work {
  const WorkloadKind* kind = nullptr;
  unsigned callers = 1;
  std::chrono::milliseconds duration{1000};
  double scale = 1;
};

/// What one contender did of one work.
struct Series {
  Contender contender = {};
  /// In the order of the rounds, which all contenders have in common.
  std::vector<Sample> samples = {};
  /// Of those that say they are strict, when the work asks for durability.
  Proof proof = {};

  /// Why it takes no part any more: of a peer that could not do the work.
  std::string failure = {};

  /// Something that was acknowledged is lost by a power cut: the figures count for nothing.
  [[nodiscard]] bool is_void() const { return !proof.losses.empty(); }
  [[nodiscard]] bool counts() const { return !is_void() && failure.empty(); }
};

/// One work by all contenders side by side.
struct Comparison {
  const WorkloadKind* workload = nullptr;
  unsigned callers = 1;
  std::vector<Series> series = {};
};

/// Is told what comes next.
using Progress = std::function<void(const std::string&)>;

/// Contenders take turns, and who begins changes from round to round; a round that is not counted comes
/// first. Throws std::exception when something cannot be run.
[[nodiscard]] Comparison compare(const Place& place, const Work& work, int rounds,
                                 const std::vector<Contender>& contenders, const Interrupt& interrupt,
                                 const Progress& progress);

/// Holds to their word those of `comparison` who say they are strict, if its work asks for durability.
void prove_all(Comparison& comparison, const Work& work, testing::FileSystem file_system, unsigned cuts,
               const std::filesystem::path& scratch, const Interrupt& interrupt, const Progress& progress);

/// The work once, in a new directory `place.disk`/`contender.name`, with the contender mounted for that long.
/// The directory is gone afterwards, unless the disk records.
[[nodiscard]] JobResult run_once(const Place& place, const Work& work, const Contender& contender,
                                 const Interrupt& interrupt);

}  // namespace sluice::bench
