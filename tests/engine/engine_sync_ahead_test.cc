#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "engine_harness.h"

// Early syncs as the engine makes them: when, of which inodes, and what becomes of them.

namespace sluice::testing {
namespace {

EngineOptions looking_ahead(std::size_t limit = 64) {
  EngineOptions options;
  options.sync_ahead_limit = limit;
  return options;
}

/// Files that were written one after the other.
class EngineSyncAhead : public ::testing::Test {
 protected:
  static constexpr std::size_t kFiles = 40;

  explicit EngineSyncAhead(EngineOptions options = looking_ahead(), unsigned max_in_flight = 64)
      : harness_(kFiles, options, max_in_flight) {
    for (std::size_t file = 0; file < kFiles; ++file) write(file);
  }

  /// As a writer does who holds a descriptor from before his first write.
  void write(std::size_t file) {
    const OngoingMutation mutation = harness_.begin(MutationClass::data, file);
    if (mutation.first_since_sync())
      harness_.engine().hold_descriptor(harness_.files().key(file), harness_.files().reopen(file));
  }
  /// The caller's first two syncs: the second comes late, and the files after it are early ones.
  void begin_storm() {
    harness_.answer_all(SyncAnswer::success());
    ASSERT_EQ(harness_.sync(SyncKind::full, 0), 0);
    harness_.hold_all();
    second_ = harness_.submit(SyncKind::full, 1);
    ASSERT_TRUE(backend().wait_for_submissions(4));
    ASSERT_EQ(harness_.submitted_files(), (std::vector<std::size_t>{0, 1, 2, 3}));
  }
  /// Of the files after the caller's first two, the first has no early sync and the next has one.
  void expect_the_third_passed_over() {
    harness_.answer_all(SyncAnswer::success());
    ASSERT_EQ(harness_.sync(SyncKind::full, 0), 0);
    ASSERT_EQ(harness_.sync(SyncKind::full, 1), 0);
    ASSERT_TRUE(backend().wait_until_idle());
    EXPECT_FALSE(was_submitted(2));
    EXPECT_TRUE(was_submitted(3));
  }
  [[nodiscard]] FakeBackend& backend() { return harness_.backend(); }
  [[nodiscard]] EarlySyncCounts counts() { return harness_.engine().counters().early; }
  [[nodiscard]] bool was_submitted(std::size_t file) {
    const auto files = harness_.submitted_files();
    return std::find(files.begin(), files.end(), file) != files.end();
  }

  FakeHarness harness_;
  std::shared_ptr<SyncRequest> second_;
};

TEST_F(EngineSyncAhead, StormMakesEarlySyncsAndHitsThem) {
  harness_.answer_all(SyncAnswer::success());
  for (std::size_t file = 0; file < kFiles; ++file) EXPECT_EQ(harness_.sync(SyncKind::full, file), 0);
  EXPECT_EQ(harness_.syncs_when_idle(), kFiles);  // Each file once.
  EXPECT_GT(counts().hits, kFiles / 2);
  EXPECT_EQ(counts().misses, 0U);
}

TEST_F(EngineSyncAhead, OpaqueInodeIsNoCandidate) {
  harness_.engine().set_opaque(harness_.files().key(2));
  harness_.answer_all(SyncAnswer::success());
  for (std::size_t file = 0; file < kFiles; ++file) {
    if (file == 2) continue;
    EXPECT_EQ(harness_.sync(SyncKind::full, file), 0);
  }
  EXPECT_GT(counts().hits, 0U);
  EXPECT_FALSE(was_submitted(2));
  EXPECT_EQ(harness_.sync(SyncKind::full, 2), 0);
  EXPECT_TRUE(was_submitted(2));
}

// A database that is in passthrough writes and syncs a few files in turn. When it wrote, nobody knows.
TEST_F(EngineSyncAhead, BarrierOfAnOpaqueInodeIsNeverLate) {
  for (std::size_t file = 0; file < kFiles; ++file) harness_.engine().set_opaque(harness_.files().key(file));
  harness_.answer_all(SyncAnswer::success());
  for (int round = 0; round < 3; ++round) {
    for (std::size_t file = 0; file < kFiles; ++file) EXPECT_EQ(harness_.sync(SyncKind::full, file), 0);
  }
  EXPECT_EQ(counts().late_barriers, 0U);
}

TEST_F(EngineSyncAhead, EarlySyncDoesNotServeAnInodeThatHasBecomeOpaque) {
  begin_storm();
  harness_.engine().set_opaque(harness_.files().key(2));
  const auto third = harness_.submit(SyncKind::full, 2);
  backend().end_nth(2, SyncAnswer::success());
  ASSERT_TRUE(backend().wait_until_idle());
  EXPECT_EQ(third->status(), SyncStatus::in_progress);
  EXPECT_EQ(harness_.submitted_files().back(), 2U);
}

TEST_F(EngineSyncAhead, EarlySyncIsAFullOne) {
  begin_storm();
  EXPECT_EQ(backend().submitted()[2].kind, SyncKind::full);
}

TEST_F(EngineSyncAhead, BarrierJoinsTheEarlySyncThatRuns) {
  begin_storm();
  const auto third = harness_.submit(SyncKind::full, 2);
  backend().end_nth(2, SyncAnswer::success());
  EXPECT_EQ(answer_of(*third), 0);
  EXPECT_EQ(counts().hits, 1U);
}

TEST_F(EngineSyncAhead, CallerIsNotAnsweredBeforeTheEarlySyncOfHisFileHasEnded) {
  begin_storm();
  backend().end_nth(1, SyncAnswer::success());
  EXPECT_EQ(answer_of(*second_), 0);
  const auto third = harness_.submit(SyncKind::full, 2);
  backend().end_nth(3, SyncAnswer::success());
  ASSERT_TRUE(backend().wait_until_idle());
  EXPECT_EQ(third->status(), SyncStatus::in_progress);
}

TEST_F(EngineSyncAhead, WriteDuringAnEarlySyncNeedsAnother) {
  begin_storm();
  write(2);
  const auto third = harness_.submit(SyncKind::full, 2);
  backend().end_nth(2, SyncAnswer::success());
  ASSERT_TRUE(backend().wait_until_idle());
  EXPECT_EQ(third->status(), SyncStatus::in_progress);
  EXPECT_EQ(harness_.submitted_files().back(), 2U);
  EXPECT_EQ(counts().misses, 1U);
}

TEST_F(EngineSyncAhead, ErrorOfAnEarlySyncIsToldToTheNextBarrier) {
  begin_storm();
  backend().end_nth(2, SyncAnswer::failure(ENOSPC));
  ASSERT_TRUE(backend().wait_until_idle());
  harness_.answer_all(SyncAnswer::success());
  EXPECT_EQ(harness_.sync(SyncKind::full, 2), ENOSPC);
  EXPECT_EQ(harness_.sync(SyncKind::data, 2), ENOSPC);
  EXPECT_EQ(harness_.sync(SyncKind::full, 3), 0);
}

TEST_F(EngineSyncAhead, ErrorIsToldToTheBarrierThatJoined) {
  begin_storm();
  const auto third = harness_.submit(SyncKind::full, 2);
  backend().end_nth(2, SyncAnswer::failure(EIO));
  EXPECT_EQ(answer_of(*third), EIO);
}

TEST_F(EngineSyncAhead, EarlySyncThatNeverRanIsLeftToTheBarrier) {
  begin_storm();
  backend().end_nth(2, SyncAnswer::never_ran());
  ASSERT_TRUE(backend().wait_until_idle());
  const auto third = harness_.submit(SyncKind::full, 2);
  ASSERT_TRUE(backend().wait_until_idle());
  EXPECT_EQ(harness_.submitted_files().back(), 2U);
  harness_.answer_all(SyncAnswer::success());
  EXPECT_EQ(answer_of(*third), 0);
}

TEST_F(EngineSyncAhead, RemovedFileIsPassedOver) {
  harness_.engine().removed(harness_.files().key(2));
  harness_.answer_all(SyncAnswer::success());
  for (const std::size_t file : {0U, 1U, 3U, 4U, 5U, 6U}) EXPECT_EQ(harness_.sync(SyncKind::full, file), 0);
  EXPECT_FALSE(was_submitted(2));
}

TEST_F(EngineSyncAhead, RemovalDuringAnEarlySyncIsAMiss) {
  begin_storm();
  harness_.engine().removed(harness_.files().key(2));
  EXPECT_EQ(counts().misses, 1U);
  backend().end_nth(2, SyncAnswer::success());
  EXPECT_TRUE(backend().wait_until_idle());
}

TEST_F(EngineSyncAhead, NewOwnerOfTheNumberIsNotServedByTheEarlySyncOfTheOld) {
  begin_storm();
  const FileKey file = harness_.files().key(2);
  harness_.engine().removed(file);
  harness_.engine().created(file);
  const auto request = harness_.submit(SyncKind::full, 2);
  backend().end_nth(2, SyncAnswer::success());
  ASSERT_TRUE(backend().wait_until_idle());
  EXPECT_EQ(request->status(), SyncStatus::in_progress);
}

TEST_F(EngineSyncAhead, FileThatIsBeingWrittenIsPassedOver) {
  const OngoingMutation mutation = harness_.begin(MutationClass::data, 2);
  expect_the_third_passed_over();
}

TEST_F(EngineSyncAhead, FileWithoutADescriptorOfItsOwnIsPassedOver) {
  harness_.engine().removed(harness_.files().key(2));
  harness_.engine().created(harness_.files().key(2));
  harness_.mutate(MutationClass::data, 2);
  expect_the_third_passed_over();
}

TEST_F(EngineSyncAhead, FailedFileIsPassedOver) {
  harness_.answer_all(SyncAnswer::failure(EIO));
  ASSERT_EQ(harness_.sync(SyncKind::full, 2), EIO);
  write(2);
  const std::size_t before = backend().submitted().size();
  harness_.answer_all(SyncAnswer::success());
  for (const std::size_t file : {0U, 1U, 3U, 4U, 5U}) ASSERT_EQ(harness_.sync(SyncKind::full, file), 0);
  ASSERT_TRUE(backend().wait_until_idle());
  const auto files = harness_.submitted_files();
  EXPECT_EQ(std::count(files.begin() + static_cast<std::ptrdiff_t>(before), files.end(), 2U), 0);
}

TEST_F(EngineSyncAhead, RenameAfterTheSyncMakesNoCandidate) {
  harness_.answer_all(SyncAnswer::success());
  for (std::size_t file = 0; file < kFiles; ++file) {
    ASSERT_EQ(harness_.sync(SyncKind::full, file), 0);
    harness_.mutate(MutationClass::metadata, file);
  }
  EXPECT_EQ(harness_.syncs_when_idle(), kFiles);
}

TEST_F(EngineSyncAhead, WriteAndSyncInTurnsMakesNoEarlySyncs) {
  harness_.answer_all(SyncAnswer::success());
  for (std::size_t i = 0; i < 200; ++i) {
    write(i % kFiles);
    ASSERT_EQ(harness_.sync(SyncKind::full, i % kFiles), 0);
  }
  EXPECT_EQ(counts().started, 0U);
}

TEST_F(EngineSyncAhead, CallersThatSyncAtOnceWhatTheyWroteMakeNoEarlySyncs) {
  for (int round = 0; round < 20; ++round) {
    std::vector<std::shared_ptr<SyncRequest>> requests;
    harness_.hold_all();
    for (std::size_t file = 0; file < kFiles; ++file) write(file);
    for (std::size_t file = 0; file < kFiles; ++file)
      requests.push_back(harness_.submit(SyncKind::full, file));
    harness_.answer_all(SyncAnswer::success());
    for (const auto& request : requests) ASSERT_EQ(answer_of(*request), 0);
  }
  EXPECT_EQ(counts().started, 0U);
}

TEST_F(EngineSyncAhead, DrainNeitherMakesEarlySyncsNorLearns) {
  harness_.answer_all(SyncAnswer::success());
  EXPECT_EQ(harness_.engine().drain().synced, kFiles);
  EXPECT_EQ(counts().started + counts().late_barriers, 0U);
}

TEST_F(EngineSyncAhead, StopWaitsForEarlySyncs) {
  begin_storm();
  backend().end_nth(1, SyncAnswer::success());
  backend().end_in_random_order(1, [](const SubmittedSync&) { return SyncAnswer::success(); });
  harness_.engine().stop();
  EXPECT_TRUE(backend().in_flight().empty());
}

class EngineSyncAheadOff : public EngineSyncAhead {
 protected:
  EngineSyncAheadOff() : EngineSyncAhead(looking_ahead(0)) {}
};

TEST_F(EngineSyncAheadOff, LimitOfZeroMakesNone) {
  harness_.answer_all(SyncAnswer::success());
  for (std::size_t file = 0; file < kFiles / 2; ++file) ASSERT_EQ(harness_.sync(SyncKind::full, file), 0);
  EXPECT_EQ(harness_.syncs_when_idle(), kFiles / 2);
}

class EngineSyncAheadFewPlaces : public EngineSyncAhead {
 protected:
  EngineSyncAheadFewPlaces() : EngineSyncAhead(looking_ahead(), 4) {}
};

TEST_F(EngineSyncAheadFewPlaces, LeaveOneToThoseWhoWait) {
  begin_storm();
  const auto third = harness_.submit(SyncKind::full, 2);  // A hit, so that more are wanted.
  ASSERT_TRUE(backend().wait_until_idle());
  EXPECT_EQ(backend().in_flight().size(), 3U);
  static_cast<void>(harness_.submit(SyncKind::full, kFiles - 1));
  ASSERT_TRUE(backend().wait_until_idle());
  EXPECT_EQ(harness_.submitted_files().back(), kFiles - 1);
}

}  // namespace
}  // namespace sluice::testing
