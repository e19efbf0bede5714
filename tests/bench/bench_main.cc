// sluicefs-bench: work through sluicefs and through others, side by side. See docs/benchmarks.md.

#include <fmt/format.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <thread>

#include "bench_disk.h"
#include "choices.h"
#include "file_calls.h"
#include "job.h"
#include "mounts.h"
#include "picture.h"
#include "report.h"
#include "runner.h"
#include "scratch_directory.h"

namespace sluice::bench {
namespace {

struct Settings {
  ContenderChoices contenders;
  DiskChoice disk;
  std::string disk_text = "as-is";
  std::string file_system = "ext4";
  std::vector<std::string> workloads;
  std::vector<unsigned> callers;
  int rounds = 5;
  double seconds = 1;
  double scale = 1;
  unsigned cuts = 3;
  std::string json_file;
  std::string svg_file;
  bool list = false;
};

void list_workloads() {
  for (const WorkloadKind& kind : all_workloads()) {
    fmt::print("{:18} {} [{} callers]\n", kind.name, kind.summary, fmt::join(kind.callers, ", "));
  }
}

/// Some contenders hold a descriptor for each file that they know. To the most that the kernel allows
/// (nr_open as it is by itself), or the most that we may.
void raise_descriptor_limit() {
  constexpr rlim_t kMost = 1U << 20U;
  rlimit limit{.rlim_cur = kMost, .rlim_max = kMost};
  if (::setrlimit(RLIMIT_NOFILE, &limit) == 0) return;
  (void)::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

/// Mounts of our own go with us, however we end. Throws when the directory to measure in would not be seen.
void leave_nothing_behind(const DiskChoice& disk) {
  if (disk.kind == DiskChoice::Kind::directory) return;
  const dev_t before = device_of(disk.directory);
  if (!testing::enter_private_mount_namespace()) throw_errno("a mount namespace (are you root?)");
  if (device_of(disk.directory) != before) {
    throw std::runtime_error(disk.directory.string() +
                             " is on a mount below TMPDIR; set TMPDIR to elsewhere");
  }
}

nlohmann::json about(const Settings& settings) {
  utsname system{};
  (void)::uname(&system);
  return {{"kernel", system.release},   {"processors", std::thread::hardware_concurrency()},
          {"disk", settings.disk_text}, {"file_system", settings.file_system},
          {"rounds", settings.rounds},  {"seconds", settings.seconds},
          {"scale", settings.scale}};
}

std::vector<Comparison> measure(const Settings& settings, const Interrupt& interrupt) {
  const std::vector<Contender> contenders = contenders_of(settings.contenders);
  const Progress progress = [](const std::string& line) { fmt::print(stderr, "{}\n", line); };
  const ScratchDirectory scratch(std::filesystem::temp_directory_path());
  const std::unique_ptr<BenchDisk> disk = make_disk(settings.disk);
  const Place place{.disk = disk->directory(), .gauge = disk->gauge(), .scratch = scratch.path()};
  std::vector<Comparison> results;
  for (const std::string& name : settings.workloads) {
    const WorkloadKind& kind = workload_named(name);
    for (const unsigned callers : settings.callers.empty() ? kind.callers : settings.callers) {
      const Work work{.kind = &kind,
                      .callers = callers,
                      .duration = std::chrono::milliseconds(static_cast<int>(settings.seconds * 1000)),
                      .scale = settings.scale};
      results.push_back(compare(place, work, settings.rounds, contenders, interrupt, progress));
      prove_all(results.back(), work, settings.disk.file_system, settings.cuts, scratch.path(), interrupt,
                progress);
      fmt::print("{}", table_of(rows_of(results.back())));
      std::fflush(stdout);
    }
  }
  return results;
}

void write_file(const std::string& path, const std::string& text) {
  if (path.empty()) return;
  std::ofstream out(path);
  out << text;
  if (!out.flush()) throw std::runtime_error("cannot write " + path);
}

void add_options(CLI::App& app, Settings& settings) {
  ContenderChoices& contenders = settings.contenders;
  app.add_flag("--list", settings.list, "the workloads, and nothing else");
  app.add_option("--workload", settings.workloads, "one of --list; may be repeated (default: all)");
  app.add_option("--callers", settings.callers, "threads, in place of what each workload has by itself");
  app.add_option(
      "--disk", settings.disk_text,
      "as-is (a loop device over a file in --dir), slow:US (a test disk whose flushes take so many "
      "µs) or directory (--dir itself)");
  app.add_option("--dir", settings.disk.directory, "on the machine's own disk")
      ->check(CLI::ExistingDirectory);
  app.add_option("--fs", settings.file_system, "on as-is and slow disks")
      ->check(CLI::IsMember({"ext4", "xfs", "btrfs"}));
  app.add_option("--disk-size", settings.disk.size_bytes, "of as-is and slow disks, e.g. 2G")
      ->transform(CLI::AsSizeValue(false));
  app.add_option("--rounds", settings.rounds, "of all contenders")->check(CLI::Range(1, 1000));
  app.add_option("--seconds", settings.seconds, "of one run, where the work has no end of its own")
      ->check(CLI::Range(0.001, 3600.0));
  app.add_option("--scale", settings.scale, "of numbers of files")->check(CLI::Range(0.0001, 1000.0));
  app.add_option("--cuts", settings.cuts, "power cuts for each contender and workload; 0 for none");
  app.add_option("--contender", contenders.only, "only this one; may be repeated");
  app.add_option("--against", contenders.against, "whom the others are compared with, by name");
  app.add_option("--sluicefs", contenders.modes, "NAME=OPTIONS of a mount; may be repeated");
  app.add_option("--program", contenders.sluicefs, "the sluicefs to measure");
  app.add_option("--earlier", contenders.earlier, "another build, mounted in the same ways");
  app.add_option("--bindfs", contenders.bindfs, "its program");
  app.add_option("--passthrough-ll", contenders.passthrough_ll, "the program of libfuse's examples");
  app.add_option("--passthrough-hp", contenders.passthrough_hp, "the program of libfuse's examples");
  app.add_option("--peer", contenders.peers,
                 "NAME=COMMAND of another that serves in the foreground; {source} and {mount} stand for the "
                 "directories; may be repeated");
  app.add_option("--eatmydata", contenders.eatmydata, "its program");
  app.add_option("--claim-strict", contenders.claimed_strict, "hold this one to what it acknowledges");
  app.add_option("--json", settings.json_file, "write all figures to this file");
  app.add_option("--svg", settings.svg_file, "draw the ratios into this file");
}

int run(int argc, char** argv) {
  Settings settings;
  settings.contenders.sluicefs = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "sluicefs";
  settings.contenders.bindfs = find_program("bindfs");
  settings.contenders.eatmydata = find_program("eatmydata");
  settings.disk.directory = std::filesystem::temp_directory_path();
  CLI::App app("Work through sluicefs and through others, side by side. Needs root.");
  add_options(app, settings);
  CLI11_PARSE(app, argc, argv);
  if (settings.list) {
    list_workloads();
    return 0;
  }
  if (settings.contenders.modes.empty()) settings.contenders.modes = {"sluicefs="};
  if (settings.workloads.empty()) {
    for (const WorkloadKind& kind : all_workloads()) settings.workloads.push_back(kind.name);
  }
  parse_disk(settings.disk_text, settings.disk);
  settings.disk.file_system = testing::file_system_from(settings.file_system);
  const Interrupt interrupt;
  raise_descriptor_limit();
  leave_nothing_behind(settings.disk);
  const std::vector<Comparison> results = measure(settings, interrupt);
  write_file(settings.json_file, json_of(results, about(settings)).dump(2) + "\n");
  write_file(settings.svg_file, picture_of(results));
  return std::ranges::any_of(results, [](const Comparison& comparison) {
    return std::ranges::any_of(comparison.series, &Series::is_void);
  });
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  try {
    if (argc == 2 && std::string_view(argv[1]) == sluice::bench::kJobWord) return sluice::bench::run_job();
    return sluice::bench::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "sluicefs-bench: {}\n", error.what());
    return 2;
  }
}
