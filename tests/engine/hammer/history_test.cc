#include "history.h"

#include <gtest/gtest.h>

#include <cerrno>

// The judge of the hammer: every kind of lie is noticed, and the truth is not taken for one.

namespace sluice::testing {
namespace {

constexpr auto kData = MutationClass::data;
constexpr auto kMetadata = MutationClass::metadata;

/// A mutation that takes four ticks, from `at` on.
SeenMutation mutation(Tick at, MutationClass of = kData) {
  return {.mutation_class = of, .begin_called = at, .begun = at + 1, .done = at + 2, .ended = at + 3};
}

SeenMutation truncation(Tick at) {
  SeenMutation seen = mutation(at);
  seen.emptied = true;
  return seen;
}

SeenSync sync(Tick begun, Tick ended, SyncKind kind = SyncKind::full, int error = 0) {
  return {
      .kind = kind, .chosen = begun - 1, .begun = begun, .ended = ended, .known = ended + 1, .error = error};
}

SeenSync failed(Tick begun, Tick ended, SyncKind kind = SyncKind::full, int error = EIO) {
  return sync(begun, ended, kind, error);
}

SeenSync failed_write_out(Tick at) {
  return {.kind = SyncKind::data,
          .chosen = at,
          .begun = at,
          .ended = at,
          .known = at + 1,
          .error = EIO,
          .write_out = true};
}

SeenBarrier barrier(Tick submitted, Tick answered, SyncKind kind = SyncKind::full, int error = 0) {
  return {.kind = kind, .submitted = submitted, .answered = answered, .error = error};
}

SeenBarrier promise(Tick submitted) {
  SeenBarrier seen = barrier(submitted, submitted + 1);
  seen.acknowledge = Acknowledge::when_queued;
  return seen;
}

template <typename... Events>
std::string first_lie_among(const Events&... events) {
  History history;
  (history.add(events), ...);
  return history.first_lie();
}

template <typename... Events>
void expect_truth(const Events&... events) {
  EXPECT_EQ(first_lie_among(events...), "");
}

template <typename... Events>
void expect_lie(const std::string& what, const Events&... events) {
  const std::string lie = first_lie_among(events...);
  EXPECT_NE(lie.find(what), std::string::npos) << "found: '" << lie << "'";
}

// ---- Success that is true ----

TEST(HistoryTruth, WriteThatWasSynced) {
  expect_truth(mutation(10), sync(20, 30), barrier(15, 31));
}

TEST(HistoryTruth, DurableFileNeedsNoOtherSync) {
  expect_truth(mutation(10), sync(20, 30), barrier(40, 41), barrier(50, 51, SyncKind::data));
}

TEST(HistoryTruth, MetadataAreNoBusinessOfADataBarrier) {
  expect_truth(sync(20, 30), mutation(40, kMetadata), barrier(50, 51, SyncKind::data));
}

TEST(HistoryTruth, WriteAfterTheBarrierIsNoBusinessOfIt) {
  expect_truth(barrier(5, 31), sync(20, 30), mutation(10));
}

// ---- Success that is not ----

constexpr const char* kNotDurable = "not durable when it was answered";

TEST(HistoryLie, NewFileThatWasNeverSynced) {
  expect_lie(kNotDurable, barrier(5, 6));
}

TEST(HistoryLie, AnswerBeforeTheSyncHasEnded) {
  expect_lie(kNotDurable, mutation(10), sync(20, 30), barrier(15, 29));
}

TEST(HistoryLie, SyncThatClaimsALaterWrite) {
  expect_lie(kNotDurable, sync(10, 30), mutation(15), barrier(20, 31));
}

TEST(HistoryLie, SyncThatClaimsAWriteUnderWay) {
  SeenMutation slow = mutation(10);
  slow.done = 25;
  slow.ended = 26;
  expect_lie(kNotDurable, slow, sync(20, 30), barrier(15, 31));
}

TEST(HistoryLie, DataSyncForAFullBarrier) {
  expect_lie(kNotDurable, mutation(10), sync(20, 30, SyncKind::data), barrier(15, 31));
}

TEST(HistoryLie, ElidedThoughTheFileWasWritten) {
  expect_lie(kNotDurable, sync(5, 8), mutation(10), barrier(20, 21));
}

// ---- Losses ----

TEST(HistoryTruth, LossThatIsTold) {
  expect_truth(mutation(10), failed(20, 30), barrier(15, 31, SyncKind::full, EIO),
               barrier(40, 41, SyncKind::data, EIO));
}

TEST(HistoryLie, SuccessOfALaterSyncCoversUpALoss) {
  expect_lie("was lost", mutation(10), failed(20, 30), sync(40, 50), barrier(45, 51));
}

TEST(HistoryLie, LossOfDataIsHiddenFromAFullBarrier) {
  expect_lie("was lost", mutation(10), failed(20, 30, SyncKind::data), sync(40, 50), barrier(45, 51));
}

TEST(HistoryTruth, FullSyncThatFailedLosesNoDurableData) {
  expect_truth(sync(5, 8, SyncKind::data), failed(20, 30), barrier(40, 41, SyncKind::data));
}

TEST(HistoryTruth, TruncationToNothingEndsALoss) {
  expect_truth(failed(5, 8), truncation(10), sync(20, 30), barrier(15, 31));
}

TEST(HistoryLie, TruncationBeforeTheWriteEndsNothing) {
  expect_lie("was lost", sync(2, 3), truncation(5), sync(9, 10), mutation(12), failed(20, 30), sync(40, 50),
             barrier(45, 51));
}

TEST(HistoryTruth, FailedWriteOutIsTold) {
  expect_truth(sync(5, 8), failed_write_out(10), barrier(20, 21, SyncKind::data, EIO));
}

TEST(HistoryLie, FailedWriteOutIsForgotten) {
  expect_lie("was lost", sync(2, 3), mutation(5), failed_write_out(10), sync(20, 30), barrier(15, 31));
}

TEST(HistoryTruth, WriteOutThatFailedAfterTheSyncHadBegunLosesNothingOfThat) {
  expect_truth(mutation(5), sync(10, 20), failed_write_out(12), barrier(15, 21));
}

// ---- Errors out of nothing ----

constexpr const char* kUnfounded = "no failure can have lost";

TEST(HistoryLie, ErrorThoughNothingFailed) {
  expect_lie(kUnfounded, sync(20, 30), barrier(15, 31, SyncKind::full, EIO));
}

TEST(HistoryLie, ErrorThatNobodyReturned) {
  expect_lie(kUnfounded, failed(20, 30), barrier(15, 31, SyncKind::full, ENOSPC));
}

TEST(HistoryLie, ErrorBeforeTheFailure) {
  expect_lie(kUnfounded, failed(20, 30), barrier(5, 6, SyncKind::full, EIO));
}

TEST(HistoryLie, ErrorThoughATruncationHasEndedTheLoss) {
  expect_lie(kUnfounded, failed(5, 8), truncation(10), barrier(20, 21, SyncKind::full, EIO));
}

TEST(HistoryLie, ErrorThoughAllWasDurableWhenTheSyncFailed) {
  expect_lie(kUnfounded, mutation(1), sync(10, 20), failed(30, 40), barrier(50, 51, SyncKind::full, EIO));
}

TEST(HistoryTruth, ErrorOfASyncOfWhatTheEngineHadForgotten) {
  History forgettable(true);
  forgettable.add(sync(10, 20));
  forgettable.add(failed(30, 40));
  forgettable.add(barrier(50, 51, SyncKind::full, EIO));
  EXPECT_EQ(forgettable.first_lie(), "");
}

// ---- Promises ----

TEST(HistoryTruth, PromiseThatIsKept) {
  expect_truth(mutation(10), promise(15), sync(20, 30));
}

TEST(HistoryTruth, PromiseThatIsLost) {
  expect_truth(mutation(10), promise(15), failed(20, 30));
}

TEST(HistoryLie, PromiseThatIsForgotten) {
  expect_lie("never synced", sync(5, 8), mutation(10), promise(15));
}

TEST(HistoryLie, PromiseOfWhatIsKnownToBeLost) {
  expect_lie("known to be lost", mutation(10), failed(20, 30), promise(40));
}

// ---- Syncs ----

TEST(HistoryLie, TwoSyncsAtATime) {
  expect_lie("two syncs at a time", sync(10, 20), sync(15, 25));
}

}  // namespace
}  // namespace sluice::testing
