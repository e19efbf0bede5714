#include "proof.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "recovered_disk.h"
#include "remove_tree.h"
#include "replay.h"
#include "runner.h"
#include "test_disk.h"
#include "write_log.h"

namespace sluice::bench {
namespace {

using testing::AtRisk;

constexpr std::uint64_t kDiskBytes = 1ULL << 30U;
constexpr std::chrono::milliseconds kDurationMax{300};
constexpr double kScaleMax = 0.1;

template <typename T>
T take(Result<T>&& result, const std::string& what) {
  if (!result) throw std::runtime_error(what + ": " + result.error().message());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

struct Recorded {
  Ledger ledger;
  std::filesystem::path log;
};

/// Runs the work on a disk of its own; what is left of that is its log.
Recorded record(const Work& work, const Contender& contender, testing::FileSystem file_system,
                const std::filesystem::path& directory, const Interrupt& interrupt) {
  testing::TestDisk disk({.size_bytes = kDiskBytes, .record = true});
  disk.make_file_system(file_system);
  take(disk.mount(), "cannot mount the disk");
  const Place place{.disk = disk.directory(),
                    .gauge = "counters:" + disk.counters().string(),
                    .scratch = directory,
                    .records = true};
  JobResult result = run_once(place, work, contender, interrupt);
  // Not lazily: a file system that is still mounted could not be mounted again from a copy of its disk.
  take(disk.unmount(), "cannot unmount the disk");
  Recorded recorded{.ledger = std::move(result.ledger), .log = directory / "log"};
  std::filesystem::rename(disk.log(), recorded.log);
  return recorded;
}

/// Positions at which something had just been acknowledged, in rising order, the last one included.
std::vector<LogPosition> positions_of(const Ledger& ledger, unsigned count) {
  std::vector<LogPosition> all;
  for (const Fact& fact : ledger.facts()) all.push_back(fact.since.position);
  std::ranges::sort(all);
  std::vector<LogPosition> result;
  for (std::size_t number = 1; number <= count; ++number) {
    result.push_back(all[(number * all.size() - 1) / count]);
  }
  return result;
}

}  // namespace

Proof prove(const Work& work, const Contender& contender, testing::FileSystem file_system, unsigned cuts,
            const std::filesystem::path& scratch, const Interrupt& interrupt) {
  Work brief = work;
  brief.duration = std::min(work.duration, kDurationMax);
  brief.scale = std::min(work.scale, kScaleMax);
  const std::filesystem::path directory = scratch / "proof";
  std::filesystem::create_directories(directory / "recovered");
  const Recorded recorded = record(brief, contender, file_system, directory, interrupt);
  if (recorded.ledger.facts().empty()) {
    throw std::runtime_error(work.kind->name + " by " + contender.name + " acknowledged nothing");
  }
  const testing::WriteLog log = take(testing::WriteLog::open(recorded.log), "the log of the disk");
  testing::Replayer replayer = take(testing::Replayer::create(log, kDiskBytes), "an image in memory");

  Proof proof;
  const std::filesystem::path tree = directory / "recovered" / contender.name / "work";
  for (const LogPosition position : positions_of(recorded.ledger, cuts)) {
    interrupt.check();
    const auto image = take(replayer.disk_after({.position = position, .at_risk = AtRisk::lost}), "an image");
    const std::vector<Fact> facts = recorded.ledger.facts_at(position);
    const auto mounted = look_at_recovered_disk(
        image, testing::name_of(file_system), directory / "recovered",
        [&] { std::ranges::move(losses(facts, tree), std::back_inserter(proof.losses)); });
    if (!mounted) proof.losses.push_back("the file system cannot be mounted: " + mounted.error().message());
    ++proof.cuts;
    proof.facts += facts.size();
  }
  testing::remove_tree(directory);
  return proof;
}

}  // namespace sluice::bench
