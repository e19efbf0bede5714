#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "record_workload.h"
#include "sqlite_workload.h"

namespace sluice::testing {
namespace {

/// Runs a workload on a plain directory, where nothing is ever lost, with a position that counts
/// acknowledgements.
class WorkloadTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "workload-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  LogPosition counting() {
    return [this] { return ++position_; };
  }
  [[nodiscard]] std::uint64_t end() const { return position_; }

  std::filesystem::path directory_;

 private:
  std::atomic<std::uint64_t> position_{0};
};

TEST_F(WorkloadTest, RecordsThatNobodyTookAwayAreNotMissed) {
  RecordWorkload workload({.seed = 7, .writers = 2, .steps_per_writer = 40});
  workload.run(directory_, counting());
  EXPECT_EQ(workload.acknowledged_at().size(), 80U);
  EXPECT_TRUE(workload.losses(directory_, end()).empty());
}

TEST_F(WorkloadTest, ADamagedRecordIsNoticed) {
  RecordWorkload workload({.seed = 8, .writers = 1, .steps_per_writer = 10});
  workload.run(directory_, counting());
  const auto victim = std::filesystem::directory_iterator(directory_)->path();
  std::fstream(victim, std::ios::in | std::ios::out | std::ios::binary).seekp(40).put('x');
  EXPECT_FALSE(workload.losses(directory_, end()).empty());
}

TEST_F(WorkloadTest, AMissingFileIsNoticed) {
  RecordWorkload workload({.seed = 9, .writers = 1, .steps_per_writer = 10});
  workload.run(directory_, counting());
  std::filesystem::remove(std::filesystem::directory_iterator(directory_)->path());
  EXPECT_FALSE(workload.losses(directory_, end()).empty());
}

TEST_F(WorkloadTest, NothingIsDueBeforeTheFirstAcknowledgement) {
  RecordWorkload workload({.seed = 10, .writers = 1, .steps_per_writer = 5});
  workload.run(directory_, counting());
  std::filesystem::remove_all(directory_);
  EXPECT_TRUE(workload.losses(directory_, 0).empty());
}

TEST_F(WorkloadTest, ARecordThatFellBackToAnEarlierVersionIsNoticed) {
  RecordWorkload workload({.seed = 11, .writers = 1, .steps_per_writer = 40});
  const std::filesystem::path tree = directory_ / "tree";
  const std::filesystem::path earlier = directory_ / "earlier";
  std::filesystem::create_directory(tree);
  std::uint64_t position = 0;
  workload.run(tree, [&] {
    if (position == 20) std::filesystem::copy(tree, earlier);
    return ++position;
  });
  EXPECT_TRUE(workload.losses(earlier, 20).empty());
  EXPECT_FALSE(workload.losses(earlier, 40).empty());
}

TEST_F(WorkloadTest, WhatWasNotedCanBeSavedAndLoaded) {
  RecordWorkload records({.seed = 12, .writers = 2, .steps_per_writer = 40});
  records.run(directory_, counting());
  SqliteWorkload commits(SqliteJournal::wal, 20);
  commits.run(directory_, counting());
  std::stringstream text;
  records.save(text);
  commits.save(text);

  RecordWorkload loaded_records({});
  loaded_records.load(text);
  EXPECT_EQ(loaded_records.acknowledged_at(), records.acknowledged_at());
  EXPECT_TRUE(loaded_records.losses(directory_, end()).empty());
  SqliteWorkload loaded_commits(SqliteJournal::wal, 0);
  loaded_commits.load(text);
  EXPECT_TRUE(text);
  EXPECT_EQ(loaded_commits.acknowledged_at(), commits.acknowledged_at());

  std::filesystem::remove_all(directory_);
  std::filesystem::create_directory(directory_);
  EXPECT_EQ(loaded_records.losses(directory_, end()), records.losses(directory_, end()));
  EXPECT_FALSE(loaded_records.losses(directory_, end()).empty());
  EXPECT_FALSE(loaded_commits.losses(directory_, end()).empty());
}

TEST_F(WorkloadTest, NotesThatAreCutOffAreNotLoaded) {
  RecordWorkload records({.seed = 13, .writers = 1, .steps_per_writer = 10});
  records.run(directory_, counting());
  std::stringstream text;
  records.save(text);
  std::stringstream half(text.str().substr(0, text.str().size() / 2));
  RecordWorkload loaded({});
  loaded.load(half);
  EXPECT_FALSE(half);
}

TEST_F(WorkloadTest, CommittedRowsAreFoundAndMissingOnesNoticed) {
  for (const SqliteJournal journal : {SqliteJournal::wal, SqliteJournal::rollback}) {
    SqliteWorkload workload(journal, 30);
    workload.run(directory_, counting());
    EXPECT_TRUE(workload.losses(directory_, end()).empty());
    std::filesystem::remove(directory_ / "rows.db");
    EXPECT_FALSE(workload.losses(directory_, end()).empty());
  }
}

}  // namespace
}  // namespace sluice::testing
