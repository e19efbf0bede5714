#include "runner.h"

#include <fmt/format.h>

#include <stdexcept>

#include "file_calls.h"
#include "remove_tree.h"

namespace sluice::bench {
namespace {

/// What a contender shows to programs; removed with the object, unless the disk records.
class SourceDirectory {
 public:
  SourceDirectory(const Place& place, const std::string& name) : place_(place), path_(place.disk / name) {}
  ~SourceDirectory() {
    if (!place_.records) testing::remove_tree(path_);
  }
  SourceDirectory(const SourceDirectory&) = delete;
  SourceDirectory& operator=(const SourceDirectory&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  const Place& place_;
  const std::filesystem::path path_;
};

/// What is wrong with the programs of others is to be known, and no reason to stop.
void unless_peer_fails(Series& series, const std::function<void()>& step) {
  if (!series.failure.empty()) return;
  try {
    step();
  } catch (const Interrupted&) {
    throw;
  } catch (const std::exception& error) {
    if (!series.contender.is_peer) throw std::runtime_error(series.contender.name + ": " + error.what());
    series.failure = error.what();
  }
}

JobResult run_in_source(const SourceDirectory& source, const Place& place, const Work& work,
                        const Contender& contender, const Interrupt& interrupt) {
  MountedContender mounted(contender, source.path(), place.scratch / "mounts" / contender.name, interrupt);
  Job job{.part = Job::Part::prepare,
          .workload = work.kind->name,
          .setting = {.directory = mounted.directory() / "work",
                      .scratch = place.scratch,
                      .callers = work.callers,
                      .duration = work.duration,
                      .scale = work.scale},
          .gauge = place.gauge,
          .record = place.records};
  std::filesystem::create_directory(job.setting.directory);
  (void)run_in_child(job, {}, interrupt);
  if (work.kind->cold) mounted.mount_anew();
  // What the mount's own cache holds first.
  sync_file_system(mounted.directory());
  sync_file_system(source.path());
  job.server = mounted.server().value_or(0);
  job.part = Job::Part::run;
  JobResult result = run_in_child(job, contender.launcher, interrupt);
  mounted.unmount();
  return result;
}

}  // namespace

JobResult run_once(const Place& place, const Work& work, const Contender& contender,
                   const Interrupt& interrupt) {
  JobResult result = run_in_source(SourceDirectory(place, contender.name), place, work, contender, interrupt);
  // Outside of what is timed, lest one contender writes for the next.
  sync_file_system(place.disk);
  return result;
}

Comparison compare(const Place& place, const Work& work, int rounds, const std::vector<Contender>& contenders,
                   const Interrupt& interrupt, const Progress& progress) {
  Comparison result{.workload = work.kind, .callers = work.callers, .series = {}};
  for (const Contender& contender : contenders) {
    result.series.push_back({.contender = contender, .samples = {}, .proof = {}, .failure = {}});
  }
  for (int round = 0; round <= rounds; ++round) {
    for (std::size_t turn = 0; turn < contenders.size(); ++turn) {
      Series& series = result.series[(turn + static_cast<std::size_t>(round)) % contenders.size()];
      progress(fmt::format("{} of {}, round {} of {}: {}", work.kind->name, work.callers, round, rounds,
                           series.contender.name));
      unless_peer_fails(series, [&] {
        const JobResult done = run_once(place, work, series.contender, interrupt);
        // The first finds everything cold that nobody owns: the file system below, programs, the processor.
        if (round > 0) series.samples.push_back(done.sample);
      });
    }
  }
  return result;
}

void prove_all(Comparison& comparison, const Work& work, testing::FileSystem file_system, unsigned cuts,
               const std::filesystem::path& scratch, const Interrupt& interrupt, const Progress& progress) {
  if (!work.kind->acknowledges || cuts == 0) return;
  for (Series& series : comparison.series) {
    if (!series.contender.claims_strict) continue;
    progress(fmt::format("{} of {}, power cuts: {}", work.kind->name, work.callers, series.contender.name));
    unless_peer_fails(
        series, [&] { series.proof = prove(work, series.contender, file_system, cuts, scratch, interrupt); });
  }
}

}  // namespace sluice::bench
