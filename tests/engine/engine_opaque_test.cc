#include <gtest/gtest.h>

#include "engine_harness.h"

// A file that the kernel may change without the daemon, for as long as it may.

namespace sluice::testing {
namespace {

constexpr Fingerprint kAsItWas{
    .size = 10, .mtime = {.tv_sec = 5, .tv_nsec = 0}, .ctime = {.tv_sec = 6, .tv_nsec = 0}};

class EngineOpaque : public ::testing::Test {
 protected:
  void SetUp() override {
    harness_.backend().set_fingerprint(kAsItWas);
    harness_.make_clean();
    harness_.engine().set_opaque(file());
  }
  [[nodiscard]] FileKey file() const { return harness_.order().file; }
  /// How many syncs a request costs now.
  std::size_t syncs_for(SyncKind kind) {
    harness_.answer_all(SyncAnswer::success());
    const std::size_t before = harness_.syncs_when_idle();
    EXPECT_EQ(harness_.sync(kind), 0);
    return harness_.syncs_when_idle() - before;
  }

  FakeHarness harness_;
};

TEST_F(EngineOpaque, EverySyncAsksTheDevice) {
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(syncs_for(SyncKind::data), 1U);
    EXPECT_EQ(syncs_for(SyncKind::full), 1U);
  }
}

TEST_F(EngineOpaque, SyncThatBeganEarlierDoesNotServe) {
  // make_clean() has made the first.
  const auto first = harness_.submit();
  ASSERT_TRUE(harness_.backend().wait_for_submissions(2));
  const auto later = harness_.submit();
  harness_.backend().end_nth(1, SyncAnswer::success());
  ASSERT_TRUE(harness_.backend().wait_for_submissions(3));
  EXPECT_EQ(answer_of(*first), 0);
  EXPECT_EQ(later->status(), SyncStatus::in_progress);
  harness_.backend().end_nth(2, SyncAnswer::success());
  EXPECT_EQ(answer_of(*later), 0);
}

TEST_F(EngineOpaque, WhatWasWrittenBeforeItEndsIsStillDirty) {
  EXPECT_EQ(syncs_for(SyncKind::full), 1U);
  harness_.engine().leave_opaque(file());
  EXPECT_EQ(syncs_for(SyncKind::full), 1U);
  EXPECT_EQ(syncs_for(SyncKind::full), 0U);
}

TEST_F(EngineOpaque, EndsWithTheLastWhoSaidSo) {
  harness_.engine().set_opaque(file());
  harness_.engine().leave_opaque(file());
  EXPECT_EQ(syncs_for(SyncKind::full), 1U);
  EXPECT_EQ(syncs_for(SyncKind::full), 1U);
}

TEST_F(EngineOpaque, OutlivesTheCreationOfAnotherFileOfThatKey) {
  harness_.engine().created(file());
  EXPECT_EQ(syncs_for(SyncKind::full), 1U);
  EXPECT_EQ(syncs_for(SyncKind::full), 1U);
}

TEST_F(EngineOpaque, DrainSyncsItThoughNothingIsKnownToAwaitOne) {
  EXPECT_EQ(syncs_for(SyncKind::full), 1U);
  harness_.engine().hold_descriptor(file(), harness_.order().descriptor);
  EXPECT_EQ(harness_.engine().drain().synced, 1U);
  EXPECT_EQ(harness_.engine().drain().synced, 1U);
}

TEST_F(EngineOpaque, DrainNeedNotSyncOneThatWasRemoved) {
  harness_.engine().removed(file());
  EXPECT_EQ(harness_.engine().drain().synced, 0U);
}

TEST(EngineOpaqueDescriptors, AreKeptAsThoseOfDirtyFilesHoweverOftenTheyAreSynced) {
  FakeHarness harness(2, {.max_clean_descriptors = 1});
  harness.answer_all(SyncAnswer::success());
  for (const std::size_t file : {0U, 1U}) {
    const SyncOrder order = harness.order(SyncKind::full, file);
    harness.engine().hold_descriptor(order.file, order.descriptor);
    harness.engine().set_opaque(order.file);
    EXPECT_EQ(harness.sync(SyncKind::full, file), 0);
  }
  harness.syncs_when_idle();
  for (const std::size_t file : {0U, 1U}) {
    EXPECT_NE(harness.engine().held_descriptor(harness.order(SyncKind::full, file).file), nullptr);
  }
}

TEST(EngineSawDataChange, FromTheFirstOneOnAlsoWhenItIsDurable) {
  FakeHarness harness;
  const FileKey file = harness.order().file;
  EXPECT_FALSE(harness.engine().saw_data_change(file));
  harness.mutate(MutationClass::metadata);
  EXPECT_FALSE(harness.engine().saw_data_change(file));
  harness.mutate();
  EXPECT_TRUE(harness.engine().saw_data_change(file));
  harness.answer_all(SyncAnswer::success());
  EXPECT_EQ(harness.sync(SyncKind::data), 0);
  EXPECT_TRUE(harness.engine().saw_data_change(file));
}

}  // namespace
}  // namespace sluice::testing
