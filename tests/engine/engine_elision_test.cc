#include <gtest/gtest.h>

#include "engine_harness.h"

// When a sync is answered without the device, and through which descriptor it goes otherwise.

namespace sluice::testing {
namespace {

constexpr Fingerprint kAsItWas{
    .size = 10, .mtime = {.tv_sec = 5, .tv_nsec = 0}, .ctime = {.tv_sec = 6, .tv_nsec = 0}};

class EngineElision : public ::testing::Test {
 protected:
  void SetUp() override {
    harness_.backend().set_fingerprint(kAsItWas);
    harness_.make_clean();
    harness_.answer_all(SyncAnswer::success());
  }
  /// How many syncs a request costs now.
  std::size_t syncs_for(SyncKind kind) {
    const std::size_t before = harness_.syncs_when_idle();
    EXPECT_EQ(harness_.sync(kind), 0);
    return harness_.syncs_when_idle() - before;
  }

  FakeHarness harness_;
};

TEST_F(EngineElision, Contract_E3_SyncOfADurableFileCostsNothing) {
  EXPECT_EQ(syncs_for(SyncKind::full), 0U);
  EXPECT_EQ(syncs_for(SyncKind::data), 0U);
  EXPECT_EQ(harness_.engine().counters().full.elided, 1U);
  EXPECT_EQ(harness_.engine().counters().data.elided, 1U);
}

TEST_F(EngineElision, WriteEndsIt) {
  harness_.mutate();
  EXPECT_EQ(syncs_for(SyncKind::full), 1U);
  EXPECT_EQ(syncs_for(SyncKind::full), 0U);
}

TEST_F(EngineElision, MetadataAreNoBusinessOfADataSync) {
  harness_.mutate(MutationClass::metadata);
  EXPECT_EQ(syncs_for(SyncKind::data), 0U);
  EXPECT_EQ(syncs_for(SyncKind::full), 1U);
}

TEST_F(EngineElision, Contract_E4_DataSyncDoesNotSatisfyAFullOne) {
  harness_.mutate();
  EXPECT_EQ(syncs_for(SyncKind::data), 1U);
  EXPECT_EQ(syncs_for(SyncKind::full), 1U);
  EXPECT_EQ(syncs_for(SyncKind::full), 0U);
}

TEST_F(EngineElision, FullSyncSatisfiesADataOne) {
  harness_.mutate();
  EXPECT_EQ(syncs_for(SyncKind::full), 1U);
  EXPECT_EQ(syncs_for(SyncKind::data), 0U);
}

TEST_F(EngineElision, MutationUnderWayEndsIt) {
  const OngoingMutation write = harness_.begin();
  const auto request = harness_.submit();
  EXPECT_EQ(harness_.syncs_when_idle(), 1U);
  EXPECT_EQ(request->status(), SyncStatus::in_progress);
}

TEST(EngineFirstSync, FileOfWhichNothingIsKnownIsSynced) {
  FakeHarness harness;
  harness.submit(SyncKind::data);
  EXPECT_TRUE(harness.backend().wait_for_submissions(1));
}

// ---- Changes behind us ----

TEST_F(EngineElision, AnotherSizeEndsIt) {
  Fingerprint now = kAsItWas;
  now.size = 11;
  harness_.backend().set_fingerprint(now);
  EXPECT_EQ(syncs_for(SyncKind::data), 1U);
  EXPECT_EQ(harness_.engine().counters().changed_behind, 1U);
  EXPECT_EQ(syncs_for(SyncKind::data), 0U);
}

TEST_F(EngineElision, AnotherModificationTimeEndsIt) {
  Fingerprint now = kAsItWas;
  now.mtime.tv_nsec = 1;
  harness_.backend().set_fingerprint(now);
  EXPECT_EQ(syncs_for(SyncKind::data), 1U);
}

TEST_F(EngineElision, AnotherChangeTimeEndsItForAFullSync) {
  Fingerprint now = kAsItWas;
  now.ctime.tv_nsec = 1;
  harness_.backend().set_fingerprint(now);
  EXPECT_EQ(syncs_for(SyncKind::full), 1U);
}

TEST_F(EngineElision, AnotherChangeTimeIsNoBusinessOfADataSync) {
  Fingerprint now = kAsItWas;
  now.ctime.tv_nsec = 1;
  harness_.backend().set_fingerprint(now);
  EXPECT_EQ(syncs_for(SyncKind::data), 0U);
}

TEST_F(EngineElision, FingerprintThatCannotBeTakenEndsIt) {
  harness_.backend().set_fingerprint(fail(EIO));
  EXPECT_EQ(syncs_for(SyncKind::full), 1U);
}

TEST_F(EngineElision, ChangeDuringTheSyncIsNoticedAfterwards) {
  harness_.hold_all();
  harness_.mutate();
  harness_.submit();
  ASSERT_TRUE(harness_.backend().wait_for_submissions(2));
  Fingerprint now = kAsItWas;
  now.size = 11;
  harness_.backend().set_fingerprint(now);
  harness_.answer_all(SyncAnswer::success());
  EXPECT_EQ(syncs_for(SyncKind::full), 1U);
}

// ---- Changes behind us, while syncs follow one another closely ----

/// Of a file that is written and synced again and again, nobody has asked for the time stamps since the first
/// sync, so that the last one goes by the clock.
class EngineElisionByClock : public EngineElision {
 protected:
  static constexpr timespec kLongAgo{.tv_sec = 1, .tv_nsec = 1};
  static constexpr timespec kFirst{.tv_sec = 100, .tv_nsec = 0};
  static constexpr timespec kSecond{.tv_sec = 100, .tv_nsec = 9'999'999};
  static constexpr timespec kLater{.tv_sec = 200, .tv_nsec = 0};

  void SetUp() override {
    EngineElision::SetUp();
    write_and_sync(kFirst);
    asked_ = harness_.backend().fingerprints();
    write_and_sync(kSecond);
  }
  void write_and_sync(timespec now) {
    harness_.backend().set_wall_clock(now);
    harness_.mutate();
    EXPECT_EQ(syncs_for(SyncKind::full), 1U);
  }
  /// What statx(2) finds at kLater.
  void found_later(off_t size, timespec mtime, timespec ctime) {
    harness_.backend().set_wall_clock(kLater);
    harness_.backend().set_fingerprint(Fingerprint{.size = size, .mtime = mtime, .ctime = ctime});
  }

  std::size_t asked_ = 0;
};

TEST_F(EngineElisionByClock, StampsAreNotAskedFor) {
  EXPECT_EQ(harness_.backend().fingerprints(), asked_);
}

TEST_F(EngineElisionByClock, StampsAreAskedForAgainAfterATick) {
  write_and_sync({.tv_sec = 100, .tv_nsec = 19'999'999});
  EXPECT_EQ(harness_.backend().fingerprints(), asked_ + 1);
}

TEST_F(EngineElisionByClock, StampsAreAskedForWhenTheClockWasSetBack) {
  write_and_sync({.tv_sec = 50, .tv_nsec = 0});
  EXPECT_EQ(harness_.backend().fingerprints(), asked_ + 1);
}

TEST_F(EngineElisionByClock, WhatIsStampedNoLaterThanTheSyncWasThere) {
  found_later(kAsItWas.size, kSecond, kSecond);
  EXPECT_EQ(syncs_for(SyncKind::full), 0U);
  EXPECT_EQ(syncs_for(SyncKind::data), 0U);
}

TEST_F(EngineElisionByClock, LaterChangeEndsIt) {
  found_later(kAsItWas.size, kSecond, {.tv_sec = 100, .tv_nsec = 10'000'000});
  EXPECT_EQ(syncs_for(SyncKind::full), 1U);
}

// cp -p, rsync -t, tar -x: they set the time of the write back.
TEST_F(EngineElisionByClock, LaterChangeWithAnOldTimeEndsItForADataSyncToo) {
  found_later(kAsItWas.size, kLongAgo, {.tv_sec = 101, .tv_nsec = 1});
  EXPECT_EQ(syncs_for(SyncKind::data), 1U);
}

TEST_F(EngineElisionByClock, MetadataOfOursAreStillNoBusinessOfADataSync) {
  harness_.mutate(MutationClass::metadata);
  found_later(kAsItWas.size, kLongAgo, {.tv_sec = 101, .tv_nsec = 1});
  EXPECT_EQ(syncs_for(SyncKind::data), 0U);
  EXPECT_EQ(syncs_for(SyncKind::full), 1U);
}

TEST_F(EngineElisionByClock, LaterModificationEndsItWhateverWeDidMeanwhile) {
  harness_.mutate(MutationClass::metadata);
  found_later(kAsItWas.size, {.tv_sec = 101, .tv_nsec = 1}, {.tv_sec = 101, .tv_nsec = 1});
  EXPECT_EQ(syncs_for(SyncKind::data), 1U);
}

TEST_F(EngineElisionByClock, AnotherSizeWithinTheTickEndsIt) {
  found_later(kAsItWas.size + 1, kSecond, kSecond);
  EXPECT_EQ(syncs_for(SyncKind::data), 1U);
}

TEST_F(EngineElisionByClock, WholeSecondOfTheSyncMayBeLater) {
  found_later(kAsItWas.size, kLongAgo, {.tv_sec = 100, .tv_nsec = 0});
  EXPECT_EQ(syncs_for(SyncKind::full), 1U);
}

TEST_F(EngineElisionByClock, WholeSecondBeforeItIsNot) {
  found_later(kAsItWas.size, kLongAgo, {.tv_sec = 99, .tv_nsec = 0});
  EXPECT_EQ(syncs_for(SyncKind::full), 0U);
}

// Whatever is changed now gets an old stamp.
TEST_F(EngineElisionByClock, ClockThatWasSetBackEndsIt) {
  found_later(kAsItWas.size, {.tv_sec = 50, .tv_nsec = 1}, {.tv_sec = 50, .tv_nsec = 1});
  harness_.backend().set_wall_clock({.tv_sec = 50, .tv_nsec = 2});
  EXPECT_EQ(syncs_for(SyncKind::data), 1U);
}

// ---- Forgetting ----

TEST(EngineForgetting, ForgottenInodeCountsAsDirty) {
  constexpr std::size_t kFiles = 1;
  EngineOptions options;
  options.max_inodes = 1;  // One for each shard of the table.
  FakeHarness harness(kFiles, options);
  harness.make_clean();
  harness.answer_all(SyncAnswer::success());
  for (ino_t other = 1; other <= 1000; ++other) {
    const FileKey key{.device = 0, .inode = other};
    const OngoingMutation mutation = harness.engine().begin(Mutation(key, MutationClass::data));
  }
  const std::size_t before = harness.syncs_when_idle();
  EXPECT_EQ(harness.sync(), 0);
  EXPECT_EQ(harness.syncs_when_idle(), before + 1);
  EXPECT_TRUE(harness.engine().forgot_dirty_inodes());
}

TEST(EngineForgetting, FailedInodeIsNeverForgotten) {
  EngineOptions options;
  options.max_inodes = 1;
  FakeHarness harness(1, options);
  harness.answer_all(SyncAnswer::failure(EIO));
  ASSERT_EQ(harness.sync(), EIO);
  harness.answer_all(SyncAnswer::success());
  for (ino_t other = 1; other <= 1000; ++other) {
    const FileKey key{.device = 0, .inode = other};
    const OngoingMutation mutation = harness.engine().begin(Mutation(key, MutationClass::data));
  }
  EXPECT_EQ(harness.sync(), EIO);
}

// ---- Descriptors ----

TEST(EngineDescriptors, SyncGoesThroughTheDescriptorThatWasHeldBeforeTheWrite) {
  FakeHarness harness;
  const SharedFd held = harness.files().reopen();
  harness.engine().hold_descriptor(harness.files().key(), held);
  harness.mutate();
  harness.submit();
  ASSERT_TRUE(harness.backend().wait_for_submissions(1));
  EXPECT_EQ(harness.backend().submitted()[0].fd, held->get());
}

TEST(EngineDescriptors, SyncGoesThroughTheCallersWhenNoneIsHeld) {
  FakeHarness harness;
  harness.submit();
  ASSERT_TRUE(harness.backend().wait_for_submissions(1));
  EXPECT_EQ(harness.backend().submitted()[0].fd, harness.files().fd());
}

TEST(EngineDescriptors, FirstHeldOneStays) {
  FakeHarness harness;
  const SharedFd first = harness.files().reopen();
  harness.engine().hold_descriptor(harness.files().key(), first);
  harness.engine().hold_descriptor(harness.files().key(), harness.files().reopen());
  harness.submit();
  ASSERT_TRUE(harness.backend().wait_for_submissions(1));
  EXPECT_EQ(harness.backend().submitted()[0].fd, first->get());
}

TEST(EngineDescriptors, RemovalLetsGo) {
  FakeHarness harness;
  SharedFd held = harness.files().reopen();
  const std::weak_ptr<const UniqueFd> descriptor = held;
  harness.engine().hold_descriptor(harness.files().key(), std::move(held));
  ASSERT_TRUE(harness.engine().held_descriptor(harness.files().key()));
  harness.engine().removed(harness.files().key());
  EXPECT_FALSE(harness.engine().held_descriptor(harness.files().key()));
  EXPECT_TRUE(descriptor.expired());
}

// A temporary file: removed while it is open, and written then. Its space must be freed at its last close.
TEST(EngineDescriptors, RemovedFileThatIsWrittenAgainHoldsNone) {
  FakeHarness harness;
  harness.mutate();
  harness.engine().removed(harness.files().key());
  SharedFd reopened = harness.files().reopen();
  const std::weak_ptr<const UniqueFd> descriptor = reopened;
  const OngoingMutation write = harness.begin();
  harness.engine().hold_descriptor(harness.files().key(), std::move(reopened));
  EXPECT_EQ(harness.engine().held_descriptor(harness.files().key()), nullptr);
  EXPECT_TRUE(descriptor.expired());
}

TEST(EngineDescriptors, NewFileWithTheKeyOfARemovedOneHoldsItsOwn) {
  FakeHarness harness;
  harness.mutate();
  harness.engine().removed(harness.files().key());
  harness.engine().created(harness.files().key());
  const OngoingMutation write = harness.begin();
  harness.engine().hold_descriptor(harness.files().key(), harness.files().reopen());
  EXPECT_NE(harness.engine().held_descriptor(harness.files().key()), nullptr);
}

// The removal has not ended yet when the number is given out again.
TEST(EngineDescriptors, NewFileHoldsItsOwnThoughTheOldOneIsNotAtRest) {
  FakeHarness harness;
  const OngoingMutation removal = harness.begin(MutationClass::metadata);
  harness.engine().removed(harness.files().key());
  harness.engine().created(harness.files().key());
  const OngoingMutation write = harness.begin();
  harness.engine().hold_descriptor(harness.files().key(), harness.files().reopen());
  EXPECT_NE(harness.engine().held_descriptor(harness.files().key()), nullptr);
}

TEST(EngineDescriptors, RemovalDuringASyncKeepsItsDescriptorOpen) {
  FakeHarness harness;
  harness.engine().hold_descriptor(harness.files().key(), harness.files().reopen());
  const auto request = harness.submit();
  ASSERT_TRUE(harness.backend().wait_for_submissions(1));
  harness.engine().removed(harness.files().key());
  harness.backend().end_nth(0, SyncAnswer::success());  // The fake checks that it is open still.
  EXPECT_EQ(answer_of(*request), 0);
}

TEST(EngineDescriptors, CleanOnesAreClosedPastTheirLimitAndDirtyOnesAreNot) {
  constexpr std::size_t kFiles = 4;
  EngineOptions options;
  options.max_clean_descriptors = 1;
  FakeHarness harness(kFiles, options);
  harness.answer_all(SyncAnswer::success());
  for (std::size_t i = 0; i < kFiles; ++i) {
    harness.engine().hold_descriptor(harness.files().key(i), harness.files().reopen(i));
    harness.mutate(MutationClass::data, i);
  }
  for (std::size_t i = 0; i + 1 < kFiles; ++i) EXPECT_EQ(harness.sync(SyncKind::full, i), 0);
  harness.syncs_when_idle();
  const std::vector<bool> expected{false, false, true, true};  // The last clean one, and the dirty one.
  for (std::size_t i = 0; i < kFiles; ++i) {
    EXPECT_EQ(harness.engine().held_descriptor(harness.files().key(i)) != nullptr, expected[i]) << i;
  }
}

TEST(EngineDescriptors, DirtyOneOfAForgottenInodeIsNotTakenForClean) {
  EngineOptions options;
  options.max_inodes = 1;
  options.max_clean_descriptors = 1;
  FakeHarness harness(2, options);
  harness.answer_all(SyncAnswer::success());
  harness.engine().hold_descriptor(harness.files().key(0), harness.files().reopen(0));
  ASSERT_EQ(harness.sync(SyncKind::full, 0), 0);
  for (ino_t other = 1; other <= 1000; ++other) {
    const FileKey key{.device = 0, .inode = other};
    const OngoingMutation mutation = harness.engine().begin(Mutation(key, MutationClass::data));
  }
  const OngoingMutation write = harness.begin(MutationClass::data, 0);
  // A second clean descriptor is one too many; the dirty one must not be what goes.
  harness.engine().hold_descriptor(harness.files().key(1), harness.files().reopen(1));
  ASSERT_EQ(harness.sync(SyncKind::full, 1), 0);
  harness.syncs_when_idle();
  EXPECT_TRUE(harness.engine().held_descriptor(harness.files().key(0)));
}

}  // namespace
}  // namespace sluice::testing
