#include "epoch_table.h"

#include <gtest/gtest.h>

// What the table forgets when it is full, and what it must not.

namespace sluice::testing {
namespace {

constexpr SyncKind kFull = SyncKind::full;

FileKey key(ino_t number) {
  return {.device = 1, .inode = number};
}

/// One entry for each shard.
constexpr std::size_t kTiny = 1;

void touch(EpochTable& table, ino_t number) {
  table.with(key(number), [](EpochEntry&) {});
}

/// Touches so many inodes that every shard sees hundreds of newcomers.
void crowd(EpochTable& table) {
  for (ino_t number = 1'000'000; number < 1'020'000; ++number) touch(table, number);
}

bool known(EpochTable& table, ino_t number) {
  bool found = false;
  table.with_known(key(number), [&](EpochEntry&) { found = true; });
  return found;
}

void fail_sync(EpochTable& table, ino_t number) {
  table.with(key(number), [](EpochEntry& entry) {
    std::vector<BarrierAnswer> answers;
    static_cast<void>(entry.epochs.begin_sync());
    entry.epochs.sync_failed(Errno(EIO), answers);
  });
}

void make_durable(EpochTable& table, ino_t number) {
  table.with(key(number), [](EpochEntry& entry) {
    std::vector<BarrierAnswer> answers;
    static_cast<void>(entry.epochs.begin_sync());
    entry.epochs.sync_succeeded(answers);
  });
}

TEST(EpochTableFull, ForgetsTheOneUsedLongestAgo) {
  EpochTable table(kTiny);
  crowd(table);
  EXPECT_LE(table.size(), 64U);
}

TEST(EpochTableFull, ForgetsNoInodeThatIsInUse) {
  EpochTable table(kTiny);
  Epoch epoch;
  table.with(key(1), [&](EpochEntry& entry) { epoch = entry.epochs.begin(MutationClass::data); });
  crowd(table);
  table.with_known(key(1), [&](EpochEntry& entry) { entry.epochs.end(epoch, MutationEffect::changed); });
  EXPECT_TRUE(known(table, 1));
}

TEST(EpochTableFull, ForgetsNoInodeThatStandsInTheQueue) {
  EpochTable table(kTiny);
  table.with(key(1), [](EpochEntry& entry) { entry.queued = Priority(); });
  crowd(table);
  EXPECT_TRUE(known(table, 1));
}

// However many must stay, and however long ago they were used: they must not hide the others.
TEST(EpochTableFull, InodesThatMustStayDoNotKeepOthersFromBeingForgotten) {
  constexpr std::size_t kFailed = 64UL * 40;
  EpochTable table(kTiny);
  for (ino_t number = 1; number <= kFailed; ++number) fail_sync(table, number);
  crowd(table);
  EXPECT_LE(table.size(), kFailed + 64UL * 8);  // A newcomer looks at a few only, and may find none.
}

TEST(EpochTableFull, ShrinksToItsLimitWhenNobodyNeedsItLargerAnyMore) {
  constexpr ino_t kBusy = 2000;
  EpochTable table(kTiny);
  std::vector<Epoch> epochs(kBusy);
  for (ino_t number = 0; number < kBusy; ++number) {
    table.with(key(number),
               [&](EpochEntry& entry) { epochs[number] = entry.epochs.begin(MutationClass::data); });
  }
  EXPECT_EQ(table.size(), kBusy);
  for (ino_t number = 0; number < kBusy; ++number) {
    table.with(key(number),
               [&](EpochEntry& entry) { entry.epochs.end(epochs[number], MutationEffect::changed); });
  }
  crowd(table);
  EXPECT_LE(table.size(), 64U);
}

TEST(EpochTableFull, CountsWhatItForgotThoughItWasDirty) {
  EpochTable table(kTiny);
  make_durable(table, 1);
  for (ino_t number = 2; table.size() != 0 && known(table, 1); ++number) make_durable(table, number);
  EXPECT_EQ(table.forgotten_dirty(), 0U);
  crowd(table);
  EXPECT_GT(table.forgotten_dirty(), 0U);
}

TEST(EpochTableFull, RemovedFileIsNoLossWhenItIsForgotten) {
  EpochTable table(kTiny);
  table.with(key(1), [](EpochEntry& entry) { entry.epochs.set_removed(); });
  for (ino_t number = 2; known(table, 1); ++number) make_durable(table, number);
  EXPECT_EQ(table.forgotten_dirty(), 0U);
}

// ---- dirty() ----

TEST(EpochTableDirty, NamesWhatIsNotDurable) {
  EpochTable table(1000);
  touch(table, 1);
  make_durable(table, 2);
  ASSERT_EQ(table.dirty().size(), 1U);
  EXPECT_EQ(table.dirty().front().file, key(1));
}

// The loss is older than what the sync made durable, and no sync can mend it.
TEST(EpochTableDirty, NamesWhatIsLostThoughALaterSyncSucceeded) {
  EpochTable table(1000);
  fail_sync(table, 1);
  make_durable(table, 1);
  table.with(key(1),
             [](EpochEntry& entry) { ASSERT_EQ(entry.epochs.durable(kFull), entry.epochs.issued()); });
  EXPECT_EQ(table.dirty().size(), 1U);
}

TEST(EpochTableDirty, RemovedFilesNeedNotBeDurable) {
  EpochTable table(1000);
  fail_sync(table, 1);
  table.with(key(1), [](EpochEntry& entry) { entry.epochs.set_removed(); });
  EXPECT_TRUE(table.dirty().empty());
}

}  // namespace
}  // namespace sluice::testing
