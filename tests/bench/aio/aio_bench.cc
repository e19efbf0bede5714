#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "contender.h"
#include "sluice/check.h"
#include "sluice/unique_fd.h"
#include "test_disk.h"

// sluice-aio-bench: many requests for fdatasync outstanding, by the engine, by the C library's AIO and by a
// pool of threads, one after another in each round. Before each request a block of its file is written over.

namespace sluice::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr std::size_t kBlock = 4096;
constexpr std::size_t kBlocks = 256;

struct Scenario {
  std::size_t outstanding;
  std::size_t files;
};
constexpr Scenario kScenarios[] = {{1, 1}, {16, 1}, {64, 1}, {16, 16}, {64, 64}};

struct Way {
  const char* name;
  std::unique_ptr<Contender> (*make)(std::size_t slots);
};
constexpr Way kWays[] = {{"sluice", make_sluice}, {"glibc", make_glibc}, {"threads", make_thread_pool}};

/// What one way did in one round.
struct Sample {
  double per_second = 0;
  double p50_ms = 0;
  double p99_ms = 0;
  double flushes_per_sync = 0;
};

/// Files all of whose blocks are there and durable; gone with the object.
class Files {
 public:
  Files(const std::filesystem::path& directory, std::size_t count) {
    const std::vector<char> block(kBlock, 'o');
    for (std::size_t i = 0; i < count; ++i) {
      const std::filesystem::path path = directory / fmt::format("sluice-aio-bench-{}-{}", ::getpid(), i);
      descriptors_.emplace_back(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
      if (!descriptors_.back().valid()) throw std::system_error(errno, std::generic_category(), path);
      ::unlink(path.c_str());
      for (std::size_t b = 0; b < kBlocks; ++b)
        SLUICE_CHECK(::write(descriptors_.back().get(), block.data(), kBlock) == kBlock);
      SLUICE_CHECK(::fsync(descriptors_.back().get()) == 0);
    }
  }
  [[nodiscard]] int fd(std::size_t slot) const { return descriptors_[slot % descriptors_.size()].get(); }
  void overwrite(std::size_t slot) {
    const auto offset = static_cast<off_t>((random_() % kBlocks) * kBlock);
    SLUICE_CHECK(::pwrite(fd(slot), block_.data(), kBlock, offset) == kBlock);
  }

 private:
  std::vector<UniqueFd> descriptors_;
  std::vector<char> block_ = std::vector<char>(kBlock, 'x');
  std::minstd_rand random_{1};
};

double percentile(std::vector<double>& sorted, double part) {
  return sorted[static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1))];
}

class Bench {
 public:
  Bench(std::filesystem::path directory, Milliseconds duration, std::function<std::uint64_t()> flushes)
      : directory_(std::move(directory)), duration_(duration), flushes_(std::move(flushes)) {}

  Sample run(const Way& way, const Scenario& scenario) {
    Files files(directory_, scenario.files);
    const auto contender = way.make(scenario.outstanding);
    std::vector<Clock::time_point> since(scenario.outstanding);
    const auto submit = [&](std::size_t slot) {
      files.overwrite(slot);
      since[slot] = Clock::now();
      contender->submit(slot, files.fd(slot));
    };
    const std::uint64_t flushes_before = flushes_();
    const auto began = Clock::now();
    for (std::size_t slot = 0; slot < scenario.outstanding; ++slot) submit(slot);
    std::vector<double> latencies;
    std::vector<std::size_t> done;
    std::size_t left = scenario.outstanding;
    while (left > 0) {
      done.clear();
      contender->wait(done);
      const auto now = Clock::now();
      for (const std::size_t slot : done) {
        latencies.push_back(Milliseconds(now - since[slot]).count());
        if (now - began < duration_) {
          submit(slot);
        } else {
          --left;
        }
      }
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
    std::sort(latencies.begin(), latencies.end());
    const auto count = static_cast<double>(latencies.size());
    return {.per_second = count / seconds,
            .p50_ms = percentile(latencies, 0.5),
            .p99_ms = percentile(latencies, 0.99),
            .flushes_per_sync = static_cast<double>(flushes_() - flushes_before) / count};
  }

 private:
  const std::filesystem::path directory_;
  const Milliseconds duration_;
  const std::function<std::uint64_t()> flushes_;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

Sample median_of(const std::vector<Sample>& samples) {
  const auto of = [&](double Sample::*member) {
    std::vector<double> values;
    for (const Sample& sample : samples) values.push_back(sample.*member);
    return median(values);
  };
  return {of(&Sample::per_second), of(&Sample::p50_ms), of(&Sample::p99_ms), of(&Sample::flushes_per_sync)};
}

/// The median, over the rounds, of how many times `ours` did what `theirs` did in the same round.
double ratio(const std::vector<Sample>& ours, const std::vector<Sample>& theirs) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < ours.size(); ++i) ratios.push_back(ours[i].per_second / theirs[i].per_second);
  return median(ratios);
}

nlohmann::json measure(Bench& bench, int rounds, bool has_flushes, bool print) {
  nlohmann::json all = nlohmann::json::array();
  for (const Scenario& scenario : kScenarios) {
    std::map<std::string, std::vector<Sample>> samples;
    for (int round = 0; round < rounds; ++round)
      for (const Way& way : kWays) samples[way.name].push_back(bench.run(way, scenario));
    for (const Way& way : kWays) {
      const Sample sample = median_of(samples[way.name]);
      const double factor = ratio(samples["sluice"], samples[way.name]);
      nlohmann::json row{
          {"outstanding", scenario.outstanding},   {"files", scenario.files}, {"way", way.name},
          {"syncs_per_second", sample.per_second}, {"p50_ms", sample.p50_ms}, {"p99_ms", sample.p99_ms},
          {"sluice_is_times_as_fast", factor}};
      if (has_flushes) row["flushes_per_sync"] = sample.flushes_per_sync;
      all.push_back(row);
      if (!print) continue;
      fmt::print(
          "{:3} outstanding, {:2} files  {:8} {:10.0f}/s  p50 {:8.3f} ms  p99 {:8.3f} ms  sluice/it {:6.2f}",
          scenario.outstanding, scenario.files, way.name, sample.per_second, sample.p50_ms, sample.p99_ms,
          factor);
      if (has_flushes) fmt::print("  flushes/sync {:.2f}", sample.flushes_per_sync);
      fmt::print("\n");
    }
  }
  return all;
}

int run(int argc, char** argv) {
  CLI::App app("Syncs by the engine, by the C library's AIO and by a pool of threads, side by side");
  std::string directory = std::filesystem::temp_directory_path();
  std::optional<unsigned> flush_delay_us;
  int rounds = 5;
  int duration_ms = 1000;
  bool json = false;
  auto* dir_option =
      app.add_option("--dir", directory, "Where the files are made")->check(CLI::ExistingDirectory);
  app.add_option("--slow-disk", flush_delay_us,
                 "On ext4 on a test disk whose flushes take so many µs; needs root")
      ->excludes(dir_option);
  app.add_option("--rounds", rounds, "Of all ways, one after another")->check(CLI::Range(1, 1000));
  app.add_option("--duration", duration_ms, "Of one way in one round, in ms")->check(CLI::Range(1, 600000));
  app.add_flag("--json", json, "Print JSON in place of a table");
  CLI11_PARSE(app, argc, argv);

  std::optional<testing::TestDisk> disk;
  std::function<std::uint64_t()> flushes = [] { return std::uint64_t{0}; };
  if (flush_delay_us) {
    disk.emplace();
    disk->make_file_system(testing::FileSystem::ext4);
    SLUICE_CHECK(disk->mount().has_value());
    SLUICE_CHECK(disk->tell(fmt::format("flush-delay-us {}", *flush_delay_us)).has_value());
    directory = disk->directory();
    flushes = [&] { return disk->counts().flushes; };
  }
  Bench bench(directory, Milliseconds(duration_ms), flushes);
  const nlohmann::json results = measure(bench, rounds, disk.has_value(), !json);
  if (json) fmt::print("{}\n", results.dump(2));
  return 0;
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  try {
    return sluice::bench::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "sluice-aio-bench: {}\n", error.what());
    return 1;
  }
}
