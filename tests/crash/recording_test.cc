#include "recording.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "cut_series.h"
#include "sqlite_workload.h"

namespace sluice::testing {
namespace {

class RecordingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "recording-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    recording_.directory = pattern;
    recording_.workload = std::make_unique<SqliteWorkload>(SqliteJournal::wal, 3);
    recording_.seed = 5;
    recording_.file_system = FileSystem::xfs;
    recording_.disk_bytes = 1ULL << 30U;
    recording_.range = {100, 200};
    recording_.tree = "some/where";
    std::uint64_t position = 100;
    recording_.workload->run(recording_.directory, [&] { return position += 10; });
  }
  void TearDown() override { std::filesystem::remove_all(recording_.directory); }

  Recording recording_;
};

TEST_F(RecordingTest, IsLoadedAsItWasSaved) {
  recording_.save();
  const Recording loaded = Recording::load(recording_.directory);
  EXPECT_EQ(loaded.workload->name(), "sqlite-wal");
  EXPECT_EQ(loaded.workload->acknowledged_at(), recording_.workload->acknowledged_at());
  EXPECT_EQ(loaded.seed, 5U);
  EXPECT_EQ(loaded.file_system, FileSystem::xfs);
  EXPECT_EQ(loaded.disk_bytes, 1ULL << 30U);
  EXPECT_EQ(loaded.range.begin, 100U);
  EXPECT_EQ(loaded.range.end, 200U);
  EXPECT_EQ(loaded.tree, "some/where");
}

TEST_F(RecordingTest, NoneIsFoundWhereNoneIs) {
  EXPECT_THROW(static_cast<void>(Recording::load(recording_.directory)), std::runtime_error);
  std::ofstream(recording_.directory / "notes") << "sqlite-wal 5\nxfs";
  EXPECT_THROW(static_cast<void>(Recording::load(recording_.directory)), std::runtime_error);
  std::ofstream(recording_.directory / "notes") << "nothing 5\nxfs 1024 tree\n1 2\n";
  EXPECT_THROW(static_cast<void>(Recording::load(recording_.directory)), std::runtime_error);
}

TEST_F(RecordingTest, ALossIsDescribedWithTheCommandThatRepeatsIt) {
  const std::string text = describe(recording_, {{150, AtRisk::some, 77}, {"a row is missing"}});
  EXPECT_NE(text.find("sqlite-wal on xfs, workload seed 5, power cut at 150"), std::string::npos) << text;
  EXPECT_NE(text.find("a row is missing"), std::string::npos) << text;
  EXPECT_NE(text.find("sluicefs-powercut repeat " + recording_.directory.string() +
                      " --position 150 --at-risk some --cut-seed 77"),
            std::string::npos)
      << text;
}

TEST(AtRiskTest, HasANameForEachKind) {
  for (const AtRisk at_risk : {AtRisk::lost, AtRisk::kept, AtRisk::some}) {
    EXPECT_EQ(at_risk_from(name_of(at_risk)), at_risk);
  }
  EXPECT_THROW(static_cast<void>(at_risk_from("all")), std::runtime_error);
}

}  // namespace
}  // namespace sluice::testing
