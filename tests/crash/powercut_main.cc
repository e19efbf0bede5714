// sluicefs-powercut: cuts the power of disks under sluicefs, many times. See docs/testing.md.

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <stdexcept>

#include "cut_series.h"
#include "mount_fixture.h"
#include "mounts.h"
#include "power_cuts.h"
#include "recorder.h"
#include "totals.h"
#include "workloads.h"

namespace sluice::testing {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kExitLost = 1;
constexpr int kExitTrouble = 2;
constexpr std::uint64_t kCutsOfOneRecording = 60;

struct RunSettings {
  std::uint64_t cuts = 300;
  std::uint64_t seed = 1;
  std::vector<std::string> workloads = workload_names();
  std::string file_system = "ext4";
  std::string data = "tracked";
  std::uint64_t budget_seconds = 0;
  std::string state;
};

struct RepeatSettings {
  std::string directory;
  PowerCut cut;
  std::string at_risk = "some";
};

double seconds_since(Clock::time_point began) {
  return std::chrono::duration<double>(Clock::now() - began).count();
}

/// What the totals are kept by: the file system, and the data mode where it is not the plain one.
std::string tally_name(const RunSettings& settings) {
  return settings.data == "tracked" ? settings.file_system : settings.file_system + "," + settings.data;
}

/// A recording of `workload` and its cuts, added to the tally.
void cut_once(const RunSettings& settings, const std::string& workload, Clock::time_point deadline,
              Tally& tally) {
  const Clock::time_point began = Clock::now();
  const std::uint64_t seed = settings.seed + tally.recordings;
  RecordingDirectory directory;
  const Recording recording = record({.workload = workload,
                                      .seed = seed,
                                      .file_system = file_system_from(settings.file_system),
                                      .data = data_mode_from(settings.data)},
                                     directory.path());
  const auto count = static_cast<unsigned>(std::min(kCutsOfOneRecording, settings.cuts - tally.cuts));
  const SeriesReport report = make_cuts(
      recording, plan_cuts(recording.range, recording.workload->acknowledged_at(), count, seed), deadline);
  for (const LossyCut& lossy : report.lossy) {
    directory.keep();
    fmt::print("{}", describe(recording, lossy));
  }
  tally.recordings += 1;
  tally.cuts += report.cuts;
  tally.lossy += report.lossy.size();
  tally.seconds += seconds_since(began);
  fmt::print("{} {} seed {}: {} cuts, {} lossy, {:.1f} s\n", tally_name(settings), workload, seed,
             report.cuts, report.lossy.size(), seconds_since(began));
  std::fflush(stdout);
}

int run(const RunSettings& settings) {
  const Clock::time_point deadline = settings.budget_seconds == 0
                                         ? Clock::time_point::max()
                                         : Clock::now() + std::chrono::seconds(settings.budget_seconds);
  Totals totals = settings.state.empty() ? Totals() : Totals::load(settings.state);
  bool lossy = false;
  for (bool more = true; more && Clock::now() < deadline;) {
    more = false;
    for (const std::string& workload : settings.workloads) {
      Tally& tally = totals.of(tally_name(settings), workload);
      if (tally.cuts >= settings.cuts || Clock::now() >= deadline) continue;
      cut_once(settings, workload, deadline, tally);
      if (!settings.state.empty()) totals.save(settings.state);
      lossy = lossy || tally.lossy > 0;
      more = true;
    }
  }
  fmt::print("{}", totals.table());
  return lossy ? kExitLost : 0;
}

int repeat(RepeatSettings settings) {
  settings.cut.at_risk = at_risk_from(settings.at_risk);
  const Recording recording = Recording::load(settings.directory);
  const LossyCut cut{settings.cut, PowerCuts(recording).losses(settings.cut)};
  if (cut.losses.empty()) {
    fmt::print("Nothing is missing.\n");
    return 0;
  }
  fmt::print("{}", describe(recording, cut));
  return kExitLost;
}

int start(int argc, char** argv) {
  RunSettings settings;
  RepeatSettings again;
  CLI::App app("Cuts the power of disks under sluicefs and looks for what was acknowledged.");
  app.require_subcommand(1);
  CLI::App* const run_command =
      app.add_subcommand("run", "record workloads and cut the power of each recording");
  run_command->add_option("--cuts", settings.cuts, "cuts of each workload, those in the state file included");
  run_command->add_option("--seed", settings.seed, "seed of the first recording; the next ones count up");
  run_command->add_option("--workload", settings.workloads, "may be repeated; all of them if not given")
      ->check(CLI::IsMember(workload_names()));
  run_command->add_option("--fs", settings.file_system, "the file system under sluicefs")
      ->check(CLI::IsMember({"ext4", "xfs", "btrfs"}));
  run_command->add_option("--data", settings.data, "as -o data= of sluicefs; totals are kept apart by it")
      ->check(CLI::IsMember({"tracked", "passthrough", "auto"}));
  run_command->add_option("--budget", settings.budget_seconds, "begin no cut after so many seconds");
  run_command->add_option("--state", settings.state, "file in which the totals are added up; to resume");
  CLI::App* const repeat_command =
      app.add_subcommand("repeat", "repeat one cut of a recording that was kept");
  repeat_command->add_option("recording", again.directory, "its directory")->required();
  repeat_command->add_option("--position", again.cut.position, "entries of the log that happened")
      ->required();
  repeat_command->add_option("--at-risk", again.at_risk, "what of the unflushed is there: lost, kept, some");
  repeat_command->add_option("--cut-seed", again.cut.seed, "for the lots of 'some'");
  CLI11_PARSE(app, argc, argv);
  if (::geteuid() != 0 || !enter_private_mount_namespace()) throw std::runtime_error("needs root, to mount");
  return run_command->parsed() ? run(settings) : repeat(again);
}

}  // namespace
}  // namespace sluice::testing

int main(int argc, char** argv) {
  try {
    return sluice::testing::start(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "sluicefs-powercut: {}\n", error.what());
    return sluice::testing::kExitTrouble;
  }
}
