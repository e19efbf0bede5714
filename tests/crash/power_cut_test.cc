#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

#include "cut_series.h"
#include "fake_backend.h"
#include "forgetful_backend.h"
#include "mounts.h"
#include "power_cuts.h"
#include "recorder.h"
#include "workloads.h"

namespace sluice::testing {
namespace {

constexpr std::uint64_t kSeed = 1;
constexpr unsigned kCutsOfALiar = 20;

/// A round is 80 cuts, of four workloads.
struct Share {
  FileSystem file_system;
  unsigned cuts;
};
constexpr Share kRound[] = {{FileSystem::ext4, 12}, {FileSystem::xfs, 4}, {FileSystem::btrfs, 4}};

unsigned rounds() {
  return std::getenv("SLUICE_TEST_LONG") == nullptr ? 1 : 12;
}

SeriesReport cut(const Recording& recording, unsigned count) {
  return make_cuts(recording,
                   plan_cuts(recording.range, recording.workload->acknowledged_at(), count, recording.seed));
}

void expect_no_loss(const RunSpec& spec, unsigned cuts) {
  RecordingDirectory directory;
  const Recording recording = record(spec, directory.path());
  const SeriesReport report = cut(recording, cuts);
  EXPECT_EQ(report.cuts, cuts);
  for (const LossyCut& lossy : report.lossy) {
    directory.keep();
    ADD_FAILURE() << describe(recording, lossy);
  }
}

class PowerCutTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to mount";
    ASSERT_TRUE(enter_private_mount_namespace());
  }

  [[nodiscard]] static RunSpec spec() { return {.workload = GetParam(), .seed = kSeed}; }
  /// Nothing is synced, and everybody is told that it was.
  [[nodiscard]] static RunSpec with_a_mount_that_acknowledges_before_the_sync() {
    RunSpec lying = spec();
    lying.backend = [] {
      auto backend = std::make_unique<FakeBackend>();
      backend->answer_by([](const SubmittedSync&) { return SyncAnswer::success(); });
      return backend;
    };
    return lying;
  }
  [[nodiscard]] static RunSpec with_a_mount_that_forgets_every_second_sync() {
    RunSpec lying = spec();
    lying.backend = [] {
      constexpr unsigned kMaxSyncsAtOnce = 64;
      constexpr unsigned kEverySecond = 2;
      Result<std::unique_ptr<IoBackend>> honest = make_backend(BackendChoice::automatic, kMaxSyncsAtOnce);
      if (!honest) throw std::runtime_error("no backend: " + honest.error().message());
      return std::make_unique<ForgetfulBackend>(std::move(*honest), kEverySecond);
    };
    return lying;
  }
  [[nodiscard]] static RunSpec with_a_disk_that_ignores_flushes() {
    RunSpec lying = spec();
    lying.disk_ignores_flushes = true;
    return lying;
  }
};

unsigned lossy_cuts(const SeriesReport& report, AtRisk at_risk) {
  return static_cast<unsigned>(std::ranges::count_if(
      report.lossy, [&](const LossyCut& lossy) { return lossy.cut.at_risk == at_risk; }));
}

TEST_P(PowerCutTest, NothingThatWasAcknowledgedIsLost) {
  for (unsigned round = 0; round < rounds(); ++round) {
    for (const Share& share : kRound) {
      expect_no_loss({.workload = GetParam(), .seed = kSeed + round, .file_system = share.file_system},
                     share.cuts);
    }
  }
}

TEST_P(PowerCutTest, AMountThatAcknowledgesBeforeTheSyncIsCaught) {
  const RecordingDirectory directory;
  const Recording recording = record(with_a_mount_that_acknowledges_before_the_sync(), directory.path());
  EXPECT_FALSE(cut(recording, kCutsOfALiar).lossy.empty());
}

TEST_P(PowerCutTest, AMountThatForgetsEverySecondSyncIsCaught) {
  const RecordingDirectory directory;
  const Recording recording = record(with_a_mount_that_forgets_every_second_sync(), directory.path());
  EXPECT_FALSE(cut(recording, kCutsOfALiar).lossy.empty());
}

TEST_P(PowerCutTest, ADiskThatIgnoresFlushesIsCaughtByLotsAndByNoPrefix) {
  const RecordingDirectory directory;
  const Recording recording = record(with_a_disk_that_ignores_flushes(), directory.path());
  const SeriesReport report = cut(recording, kCutsOfALiar);
  EXPECT_GT(lossy_cuts(report, AtRisk::some), 0U);
  EXPECT_GT(lossy_cuts(report, AtRisk::lost), 0U);
  // All that was written is there, in order; that nothing kept it there cannot be seen.
  EXPECT_EQ(lossy_cuts(report, AtRisk::kept), 0U);
}

TEST_P(PowerCutTest, ALossyCutOfARecordingThatWasKeptIsLossyAgain) {
  const RecordingDirectory directory;
  const Recording recording = record(with_a_disk_that_ignores_flushes(), directory.path());
  const SeriesReport report = cut(recording, kCutsOfALiar);
  ASSERT_FALSE(report.lossy.empty());
  const Recording loaded = Recording::load(directory.path());
  PowerCuts again(loaded);
  for (const LossyCut& lossy : report.lossy) EXPECT_EQ(again.losses(lossy.cut), lossy.losses);
}

std::string test_name(const ::testing::TestParamInfo<std::string>& workload) {
  std::string name = workload.param;
  std::ranges::replace(name, '-', '_');
  return name;
}
INSTANTIATE_TEST_SUITE_P(Of, PowerCutTest, ::testing::ValuesIn(workload_names()), test_name);

}  // namespace
}  // namespace sluice::testing
