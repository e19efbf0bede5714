// The benchmark on real mounts and disks: that it runs, and that it is not deceived.

#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "bench_disk.h"
#include "choices.h"
#include "job.h"
#include "mounts.h"
#include "runner.h"
#include "scratch_directory.h"

namespace sluice::bench {
namespace {

using testing::FileSystem;

Contender sluicefs() {
  return contenders_of({.sluicefs = SLUICEFS_PROGRAM, .modes = {"sluicefs="}}).back();
}
Contender native() {
  return contenders_of({}).front();
}

Work blink_of(const std::string& workload) {
  return {.kind = &workload_named(workload),
          .callers = 2,
          .duration = std::chrono::milliseconds(20),
          .scale = 0.005};
}

std::string mount_table() {
  std::ifstream file("/proc/self/mountinfo");
  return {std::istreambuf_iterator<char>(file), {}};
}

class BenchTest : public ::testing::Test {
 protected:
  Proof prove_in(const Contender& contender, const std::string& workload,
                 FileSystem file_system = FileSystem::ext4) {
    return prove(blink_of(workload), contender, file_system, 2, scratch_.path(), interrupt_);
  }

  const ScratchDirectory scratch_{std::filesystem::temp_directory_path()};
  const Interrupt interrupt_;
};

class EveryWorkload : public BenchTest, public ::testing::WithParamInterface<std::string> {};

TEST_P(EveryWorkload, RunsThroughSluicefsAndNativelyAndKeepsWhatItAcknowledged) {
  const std::unique_ptr<BenchDisk> disk =
      make_disk({.kind = DiskChoice::Kind::slow, .directory = {}, .size_bytes = 512ULL << 20U});
  const Place place{.disk = disk->directory(), .gauge = disk->gauge(), .scratch = scratch_.path()};
  const Work work = blink_of(GetParam());
  Comparison comparison = compare(place, work, 1, {native(), sluicefs()}, interrupt_, [](const auto&) {});
  prove_all(comparison, work, FileSystem::ext4, 1, scratch_.path(), interrupt_, [](const auto&) {});
  ASSERT_EQ(comparison.series.size(), 2U);
  for (const Series& series : comparison.series) {
    ASSERT_EQ(series.samples.size(), 1U) << "the first round does not count";
    const Sample& sample = series.samples.front();
    EXPECT_GT(sample.operations, 0);
    EXPECT_GT(sample.seconds, 0);
    EXPECT_EQ(sample.acknowledged > 0, work.kind->acknowledges);
    EXPECT_EQ(series.proof.facts > 0, work.kind->acknowledges);
    EXPECT_FALSE(series.is_void()) << series.proof.losses.front();
  }
}

std::vector<std::string> names_of_workloads() {
  std::vector<std::string> names;
  for (const WorkloadKind& kind : all_workloads()) names.push_back(kind.name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Bench, EveryWorkload, ::testing::ValuesIn(names_of_workloads()),
                         [](const auto& instance) {
                           std::string name = instance.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

/// The negative control: what acknowledges and flushes nothing.
class LiarIsVoid : public BenchTest, public ::testing::WithParamInterface<std::string> {
 protected:
  static Contender liar() {
    const std::filesystem::path program = find_program("eatmydata");
    EXPECT_FALSE(program.empty()) << "packages.txt lists eatmydata";
    Contender result = contenders_of({.eatmydata = program}).back();
    EXPECT_FALSE(result.claims_strict);
    return result;
  }
};

TEST_P(LiarIsVoid, WhenItIsHeldToWhatItAcknowledges) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer's library wants to be loaded before the one that lies";
#endif
  const Proof proof = prove_in(liar(), GetParam());
  EXPECT_GT(proof.facts, 0U);
  EXPECT_EQ(proof.losses.size(), proof.facts) << "nothing was ever flushed";
}

INSTANTIATE_TEST_SUITE_P(Bench, LiarIsVoid,
                         ::testing::Values("overwrite", "append", "etcd", "create", "mail", "storm",
                                           "checkpoint", "varmail", "scattered", "small-beside-large"));

TEST_F(BenchTest, XfsAndBtrfsKeepWhatWasAcknowledgedToo) {
  for (const FileSystem type : {FileSystem::xfs, FileSystem::btrfs}) {
    const Proof proof = prove_in(sluicefs(), "mail", type);
    EXPECT_GT(proof.facts, 0U);
    EXPECT_TRUE(proof.losses.empty()) << testing::name_of(type) << ": " << proof.losses.front();
  }
}

TEST_F(BenchTest, FlushesOfADeviceOfTheKernelsAreCounted) {
  const std::unique_ptr<BenchDisk> disk =
      make_disk({.directory = scratch_.path(), .size_bytes = 64ULL << 20U});
  const Place place{.disk = disk->directory(), .gauge = disk->gauge(), .scratch = scratch_.path()};
  const Sample sample = run_once(place, blink_of("overwrite"), native(), interrupt_).sample;
  EXPECT_GE(sample.flushes, 1U);
  EXPECT_LE(sample.flushes, 3 * sample.acknowledged);
  EXPECT_GE(sample.written_bytes, sample.acknowledged * 4096);
}

TEST_F(BenchTest, APeerThatDoesNotMountFailsAloneAndLeavesNothing) {
  const std::unique_ptr<BenchDisk> disk =
      make_disk({.kind = DiskChoice::Kind::directory, .directory = scratch_.path()});
  const Place place{.disk = disk->directory(), .gauge = disk->gauge(), .scratch = scratch_.path()};
  const std::string mounts_before = mount_table();
  const Contender broken = contenders_of({.peers = {"broken=/bin/false {source} {mount}"}}).back();
  const Comparison comparison =
      compare(place, blink_of("stat"), 1, {native(), broken}, interrupt_, [](const auto&) {});
  EXPECT_TRUE(comparison.series[0].counts());
  EXPECT_FALSE(comparison.series[1].counts());
  EXPECT_EQ(comparison.series[1].failure.substr(0, 21), "broken does not mount");
  EXPECT_EQ(mount_table(), mounts_before);
  EXPECT_TRUE(std::filesystem::is_empty(place.disk));
}

TEST_F(BenchTest, ARunThatFailsLeavesNoMount) {
  const std::unique_ptr<BenchDisk> disk =
      make_disk({.kind = DiskChoice::Kind::directory, .directory = scratch_.path()});
  const Place place{.disk = disk->directory(), .gauge = disk->gauge(), .scratch = scratch_.path()};
  const std::string mounts_before = mount_table();
  Contender contender = sluicefs();
  contender.launcher = {"/bin/false"};
  EXPECT_THROW((void)run_once(place, blink_of("stat"), contender, interrupt_), std::runtime_error);
  EXPECT_EQ(mount_table(), mounts_before);
  EXPECT_TRUE(std::filesystem::is_empty(place.disk));
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == sluice::bench::kJobWord) return sluice::bench::run_job();
  ::testing::InitGoogleTest(&argc, argv);
  if (::getuid() == 0 && !sluice::testing::enter_private_mount_namespace()) return 1;
  return RUN_ALL_TESTS();
}
