#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>
#include <vector>

#include "engine_harness.h"
#include "os_sync.h"

// What the engine promises over every backend, on real files.

namespace sluice::testing {
namespace {

constexpr unsigned kSyncsAtOnce = 8;

struct Maker {
  std::string name;
  Result<std::unique_ptr<IoBackend>> (*make)();
};

Result<std::unique_ptr<IoBackend>> make_fake() {
  auto fake = std::make_unique<FakeBackend>(kSyncsAtOnce);
  fake->answer_by([](const SubmittedSync& sync) -> std::optional<SyncAnswer> {
    const IoCompletion completion = completion_of(sync.token, sync_file(sync.fd, sync.kind));
    return SyncAnswer{completion.outcome, completion.error};
  });
  return fake;
}

class EngineContract : public ::testing::TestWithParam<Maker> {
 protected:
  void SetUp() override {
    harness_ = make(1);
    if (!harness_) GTEST_SKIP() << GetParam().name << " is not to be had here";
  }

  static std::unique_ptr<EngineHarness> make(std::size_t files, EngineOptions options = {}) {
    Result<std::unique_ptr<IoBackend>> backend = GetParam().make();
    if (!backend) return nullptr;
    return std::make_unique<EngineHarness>(std::move(*backend), files, options);
  }
  std::uint64_t syncs() { return counters().full.syncs + counters().data.syncs; }
  CountersSnapshot counters() { return harness_->engine().counters(); }

  std::unique_ptr<EngineHarness> harness_;
};

INSTANTIATE_TEST_SUITE_P(
    , EngineContract,
    ::testing::Values(Maker{"io_uring", [] { return make_backend(BackendChoice::io_uring, kSyncsAtOnce); }},
                      Maker{"threads", [] { return make_backend(BackendChoice::threads, kSyncsAtOnce); }},
                      Maker{"fake", make_fake}),
    [](const auto& maker) { return maker.param.name; });

TEST_P(EngineContract, Contract_P4_FullSyncIsMade) {
  EXPECT_EQ(harness_->sync(SyncKind::full), 0);
  EXPECT_EQ(counters().full.syncs, 1U);
  EXPECT_EQ(counters().data.syncs, 0U);
}

TEST_P(EngineContract, Contract_P4_DataSyncIsMade) {
  EXPECT_EQ(harness_->sync(SyncKind::data), 0);
  EXPECT_EQ(counters().data.syncs, 1U);
  EXPECT_EQ(counters().full.syncs, 0U);
}

TEST_P(EngineContract, Contract_B6_FileThatCannotBeSyncedIsEinval) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const UniqueFd reader(ends[0]);
  SyncOrder order = harness_->order();
  order.descriptor = std::make_shared<const UniqueFd>(ends[1]);
  const auto request = harness_->submit(std::move(order));
  EXPECT_EQ(answer_of(*request), EINVAL);
  EXPECT_EQ(error_of(request->result()), EINVAL);
}

TEST_P(EngineContract, Contract_E3_DurableFileCostsNothing) {
  write_bytes(harness_->files().fd(), 4096);
  ASSERT_EQ(harness_->sync(), 0);
  EXPECT_EQ(harness_->sync(SyncKind::full), 0);
  EXPECT_EQ(harness_->sync(SyncKind::data), 0);
  EXPECT_EQ(syncs(), 1U);
}

TEST_P(EngineContract, Contract_E1_WriteNeedsAnotherSync) {
  ASSERT_EQ(harness_->sync(), 0);
  harness_->mutate();
  EXPECT_EQ(harness_->sync(), 0);
  EXPECT_EQ(syncs(), 2U);
}

TEST_P(EngineContract, ChangeBehindUsNeedsAnotherSync) {
  ASSERT_EQ(harness_->sync(), 0);
  write_bytes(harness_->files().fd(), 4096);
  EXPECT_EQ(harness_->sync(), 0);
  EXPECT_EQ(syncs(), 2U);
}

TEST_P(EngineContract, Contract_E4_DataSyncDoesNotSatisfyAFullOne) {
  ASSERT_EQ(harness_->sync(SyncKind::data), 0);
  EXPECT_EQ(harness_->sync(SyncKind::full), 0);
  EXPECT_EQ(syncs(), 2U);
}

TEST_P(EngineContract, Contract_E2_FailureSticks) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const UniqueFd reader(ends[0]);
  SyncOrder order = harness_->order();
  order.descriptor = std::make_shared<const UniqueFd>(ends[1]);
  ASSERT_EQ(answer_of(*harness_->submit(std::move(order))), EINVAL);
  EXPECT_EQ(harness_->sync(), EINVAL);
  EXPECT_EQ(syncs(), 1U);
}

TEST_P(EngineContract, TruncationToNothingEndsAFailure) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const UniqueFd reader(ends[0]);
  SyncOrder order = harness_->order();
  order.descriptor = std::make_shared<const UniqueFd>(ends[1]);
  ASSERT_EQ(answer_of(*harness_->submit(std::move(order))), EINVAL);
  harness_->empty();
  EXPECT_EQ(harness_->sync(), 0);
}

TEST_P(EngineContract, Contract_F2_CallbackIsCalledOnceForEachRequest) {
  constexpr std::size_t kRequests = 100;
  Answers answers;
  for (std::size_t i = 0; i < kRequests; ++i) {
    harness_->mutate();
    SyncOrder order = harness_->order();
    order.callback = answers.callback();
    harness_->submit(std::move(order));
  }
  ASSERT_TRUE(answers.wait_for(kRequests));
  harness_->end_engine();
  EXPECT_EQ(answers.so_far(), std::vector<int>(kRequests, 0));
}

/// Submits the next sync from its callback, until there have been enough.
class Chain final : public SyncCallback {
 public:
  Chain(EngineHarness& harness, Answers& answers, int left)
      : harness_(harness), answers_(answers), left_(left) {}
  void sync_done(Result<void> result) noexcept override {
    answers_.callback()->sync_done(result);
    if (left_ > 1) submit(harness_, answers_, left_ - 1);
  }
  static void submit(EngineHarness& harness, Answers& answers, int left) {
    harness.mutate();
    SyncOrder order = harness.order();
    order.callback = std::make_unique<Chain>(harness, answers, left);
    harness.submit(std::move(order));
  }

 private:
  EngineHarness& harness_;
  Answers& answers_;
  int left_;
};

TEST_P(EngineContract, CallbackMaySubmit) {
  Answers answers;
  Chain::submit(*harness_, answers, 20);
  EXPECT_TRUE(answers.wait_for(20));
  EXPECT_EQ(syncs(), 20U);
}

TEST_P(EngineContract, Contract_S5_DetachedSyncIsMadeBeforeTheEngineEnds) {
  ASSERT_TRUE(harness_->engine().submit_detached(harness_->order()));
  harness_->engine().stop();
  EXPECT_EQ(syncs(), 1U);
}

TEST_P(EngineContract, AcknowledgedWhenQueuedIsSyncedBeforeTheEngineEnds) {
  SyncOrder order = harness_->order();
  order.acknowledge = Acknowledge::when_queued;
  EXPECT_EQ(harness_->submit(std::move(order))->status(), SyncStatus::done);
  harness_->engine().stop();
  EXPECT_EQ(syncs(), 1U);
}

TEST_P(EngineContract, ManyMoreFilesThanSyncsAtOnceAreAnswered) {
  constexpr std::size_t kFiles = 8UL * kSyncsAtOnce;
  const auto many = make(kFiles);
  std::vector<std::shared_ptr<SyncRequest>> requests;
  for (std::size_t i = 0; i < kFiles; ++i) {
    write_bytes(many->files().fd(i), 4096);
    requests.push_back(many->submit(i % 2 == 0 ? SyncKind::full : SyncKind::data, i));
  }
  for (const auto& request : requests) EXPECT_EQ(answer_of(*request), 0);
}

TEST_P(EngineContract, DrainMakesEverythingDurable) {
  constexpr std::size_t kFiles = 2UL * kSyncsAtOnce;
  const auto many = make(kFiles);
  for (std::size_t i = 0; i < kFiles; ++i) {
    many->engine().hold_descriptor(many->files().key(i), many->files().descriptor(i));
    many->mutate(MutationClass::data, i);
  }
  EXPECT_EQ(many->engine().drain().synced, kFiles);
  for (std::size_t i = 0; i < kFiles; ++i) EXPECT_EQ(many->sync(SyncKind::full, i), 0);
  EXPECT_EQ(many->engine().counters().full.elided, kFiles);
}

TEST_P(EngineContract, StopAnswersEverythingAndThenRefuses) {
  constexpr std::size_t kFiles = 4UL * kSyncsAtOnce;
  const auto many = make(kFiles);
  std::vector<std::shared_ptr<SyncRequest>> requests;
  for (std::size_t i = 0; i < kFiles; ++i) requests.push_back(many->submit(SyncKind::full, i));
  many->engine().stop();
  for (const auto& request : requests) EXPECT_EQ(request->status(), SyncStatus::done);
  const auto refused = many->engine().submit(many->order());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), Errno(ESHUTDOWN));
}

TEST_P(EngineContract, EnginesOfOneProcessKnowNothingOfEachOther) {
  const auto other = make(1);
  SyncOrder same_file = harness_->order();
  ASSERT_EQ(harness_->sync(), 0);
  EXPECT_EQ(answer_of(*other->submit(std::move(same_file))), 0);
  EXPECT_EQ(other->engine().counters().full.syncs, 1U);
  EXPECT_EQ(syncs(), 1U);
}

TEST_P(EngineContract, ManyEnginesComeAndGo) {
  for (int i = 0; i < 20; ++i) {
    const auto brief = make(1);
    brief->submit();
  }
}

TEST_P(EngineContract, Contract_S7_EveryThreadMaySubmit) {
  constexpr std::size_t kThreads = 4;
  const auto many = make(kThreads);
  std::vector<std::thread> threads;
  std::array<int, kThreads> failures{};
  for (std::size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      for (int j = 0; j < 20; ++j) {
        many->mutate(MutationClass::data, i);
        if (many->sync(SyncKind::full, i) != 0) ++failures[i];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, (std::array<int, kThreads>{}));
}

}  // namespace
}  // namespace sluice::testing
