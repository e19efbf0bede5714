// sluicefs-fsx: random operations on files, compared after each with what must be there, through a mount and
// behind it. See docs/testing.md.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <exception>
#include <map>

#include "crew.h"

namespace sluice::fsx {
namespace {

constexpr int kExitDifferent = 1;
constexpr int kExitTrouble = 2;

int run(CrewSetup setup, std::uint64_t seconds) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point deadline = Clock::now() + std::chrono::seconds(seconds);
  std::uint64_t operations = 0;
  do {
    if (!exercise(setup)) return kExitDifferent;
    operations += setup.operations * setup.processes;
    setup.seed += setup.processes;
  } while (Clock::now() < deadline);
  fmt::print("{} operations, no difference; the next seed is {}\n", operations, setup.seed);
  return 0;
}

int start(int argc, char** argv) {
  CrewSetup setup;
  std::uint64_t seconds = 0;
  const std::map<std::string, Layout> layouts = {
      {"own", Layout::own}, {"handles", Layout::handles}, {"regions", Layout::regions}};
  const std::map<std::string, Lie> lies = {{"lose", Lie::lose}, {"flip", Lie::flip}};
  CLI::App app("Does random operations to files and compares them with what must be there.");
  app.add_option("directory", setup.directory, "where the files are made")->required();
  app.add_option("source", setup.source, "the same directory behind the mount")->required();
  app.add_option("--layout", setup.layout,
                 "a file for each process (own), by several handles; or regions of one")
      ->transform(CLI::CheckedTransformer(layouts));
  app.add_option("--processes", setup.processes, "how many at once")->check(CLI::Range(1, 64));
  app.add_option("--operations", setup.operations, "of each process on a file");
  app.add_option("--seed", setup.seed, "of the first process; the next ones count up");
  app.add_option("--size", setup.size_bytes, "the most that a file may have")
      ->check(CLI::Range(4096, 1 << 28));
  app.add_flag("!--no-odd-direct", setup.odd_direct,
               "direct I/O of whole pages only, and not beside what others write: for a local file system");
  app.add_option("--seconds", seconds, "begin anew with the seeds that follow until so many have passed");
  app.add_option("--lie", setup.lie, "lose a write or flip a byte half-way, which must be noticed")
      ->transform(CLI::CheckedTransformer(lies));
  CLI11_PARSE(app, argc, argv);
  return run(setup, seconds);
}

}  // namespace
}  // namespace sluice::fsx

int main(int argc, char** argv) {
  try {
    return sluice::fsx::start(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "sluicefs-fsx: {}\n", error.what());
    return sluice::fsx::kExitTrouble;
  }
}
