#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "fake_backend.h"
#include "os_sync.h"
#include "sluice/io_backend.h"
#include "temp_files.h"

// What every backend owes the engine, whatever it is made of.

namespace sluice::testing {
namespace {

constexpr unsigned kSyncs = 16;

struct Maker {
  std::string name;
  Result<std::unique_ptr<IoBackend>> (*make)();
};

Result<std::unique_ptr<IoBackend>> make_fake() {
  auto fake = std::make_unique<FakeBackend>(kSyncs);
  fake->answer_by([](const SubmittedSync& sync) -> std::optional<SyncAnswer> {
    const SyncCompletion completion = completion_of(sync.token, sync_file(sync.fd, sync.kind));
    return SyncAnswer{completion.outcome, completion.error};
  });
  return fake;
}

class BackendContract : public ::testing::TestWithParam<Maker> {
 protected:
  void SetUp() override {
    Result<std::unique_ptr<IoBackend>> made = GetParam().make();
    if (!made) GTEST_SKIP() << GetParam().name << " is not to be had here: " << made.error().message();
    backend_ = std::move(*made);
  }

  SyncToken submit(int fd, SyncKind kind = SyncKind::full) {
    const SyncToken token(++last_token_);
    backend_->submit_sync(token, fd, kind);
    return token;
  }

  /// Waits until `count` syncs have ended; in the order of their tokens.
  std::vector<SyncCompletion> collect(std::size_t count) {
    std::vector<SyncCompletion> completions;
    while (completions.size() < count) backend_->wait(completions);
    std::sort(completions.begin(), completions.end(),
              [](const SyncCompletion& a, const SyncCompletion& b) { return a.token < b.token; });
    return completions;
  }

  SyncCompletion sync(int fd, SyncKind kind = SyncKind::full) {
    submit(fd, kind);
    return collect(1).front();
  }

  std::unique_ptr<IoBackend> backend_;
  std::uint64_t last_token_ = 0;
};

INSTANTIATE_TEST_SUITE_P(
    , BackendContract,
    ::testing::Values(Maker{"io_uring", [] { return make_backend(BackendChoice::io_uring, kSyncs); }},
                      Maker{"threads", [] { return make_backend(BackendChoice::threads, kSyncs); }},
                      Maker{"fake", make_fake}),
    [](const auto& maker) { return maker.param.name; });

TEST_P(BackendContract, IsNamedAfterWhatItIs) {
  EXPECT_EQ(backend_->name(), GetParam().name);
}

TEST_P(BackendContract, KeepsItsLimit) {
  EXPECT_EQ(backend_->max_syncs(), kSyncs);
}

TEST_P(BackendContract, FullSyncOfAFileSucceeds) {
  const TempFiles files;
  write_bytes(files.fd(), 4096);
  EXPECT_EQ(sync(files.fd(), SyncKind::full).outcome, SyncOutcome::succeeded);
}

TEST_P(BackendContract, DataSyncOfAFileSucceeds) {
  const TempFiles files;
  write_bytes(files.fd(), 4096);
  EXPECT_EQ(sync(files.fd(), SyncKind::data).outcome, SyncOutcome::succeeded);
}

TEST_P(BackendContract, DirectoryCanBeSynced) {
  const UniqueFd directory(::open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_TRUE(directory.valid());
  EXPECT_EQ(sync(directory.get()).outcome, SyncOutcome::succeeded);
}

TEST_P(BackendContract, CompletionCarriesItsToken) {
  const TempFiles files;
  const SyncToken token = submit(files.fd());
  EXPECT_EQ(collect(1).front().token, token);
}

TEST_P(BackendContract, SyncOfAPipeFailsWithEinval) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const UniqueFd reader(ends[0]);
  const UniqueFd writer(ends[1]);
  const SyncCompletion completion = sync(writer.get());
  EXPECT_EQ(completion.outcome, SyncOutcome::failed);
  EXPECT_EQ(completion.error, Errno(EINVAL));
}

TEST_P(BackendContract, SyncOfNoDescriptorFailsWithEbadf) {
  constexpr int kNeverOpen = 1 << 20;
  const SyncCompletion completion = sync(kNeverOpen);
  EXPECT_EQ(completion.outcome, SyncOutcome::failed);
  EXPECT_EQ(completion.error, Errno(EBADF));
}

TEST_P(BackendContract, FailureDoesNotStopTheSyncsSubmittedWithIt) {
  const TempFiles files(2);
  submit(files.fd(0));
  submit(-1);
  submit(files.fd(1));
  const std::vector<SyncCompletion> completions = collect(3);
  EXPECT_EQ(completions[0].outcome, SyncOutcome::succeeded);
  EXPECT_EQ(completions[1].outcome, SyncOutcome::failed);
  EXPECT_EQ(completions[2].outcome, SyncOutcome::succeeded);
}

TEST_P(BackendContract, EverySyncUpToTheLimitEndsOnce) {
  const TempFiles files(kSyncs);
  for (std::size_t i = 0; i < kSyncs; ++i) {
    write_bytes(files.fd(i), 65536);
    submit(files.fd(i), i % 2 == 0 ? SyncKind::full : SyncKind::data);
  }
  const std::vector<SyncCompletion> completions = collect(kSyncs);
  ASSERT_EQ(completions.size(), kSyncs);
  for (std::size_t i = 0; i < kSyncs; ++i) {
    EXPECT_EQ(completions[i].token, SyncToken(i + 1));
    EXPECT_EQ(completions[i].outcome, SyncOutcome::succeeded);
  }
}

TEST_P(BackendContract, PlaceIsFreeAgainWhenItsCompletionWasHandedOut) {
  const TempFiles files;
  for (unsigned i = 0; i < 8 * kSyncs; i += kSyncs) {
    for (unsigned j = 0; j < kSyncs; ++j) submit(files.fd());
    EXPECT_EQ(collect(kSyncs).size(), kSyncs);
  }
}

TEST_P(BackendContract, WakeBeforeWaitIsNotLost) {
  backend_->wake();
  std::vector<SyncCompletion> completions;
  backend_->wait(completions);
  EXPECT_TRUE(completions.empty());
}

TEST_P(BackendContract, WakeDuringWaitEndsIt) {
  std::vector<SyncCompletion> completions;
  std::promise<void> about_to_wait;
  std::thread waker([&] {
    about_to_wait.get_future().wait();
    backend_->wake();
  });
  about_to_wait.set_value();
  backend_->wait(completions);
  waker.join();
  EXPECT_TRUE(completions.empty());
}

TEST_P(BackendContract, EveryWakeOfARoundTripArrives) {
  constexpr int kRounds = 1000;
  std::promise<void> done;
  std::atomic<int> asked{0};
  std::atomic<int> answered{0};
  std::thread waker([&] {
    for (int round = 1; round <= kRounds; ++round) {
      asked.store(round);
      backend_->wake();
      while (answered.load() < round) std::this_thread::yield();
    }
  });
  std::vector<SyncCompletion> completions;
  for (int round = 1; round <= kRounds; ++round) {
    while (asked.load() < round) backend_->wait(completions);
    answered.store(round);
  }
  waker.join();
  EXPECT_TRUE(completions.empty());
}

TEST_P(BackendContract, ManyThreadsMayWake) {
  constexpr int kThreads = 8;
  constexpr int kWakes = 200;
  std::atomic<int> finished{0};
  std::vector<std::thread> wakers;
  for (int i = 0; i < kThreads; ++i) {
    wakers.emplace_back([&] {
      for (int j = 0; j < kWakes; ++j) backend_->wake();
      finished.fetch_add(1);
      backend_->wake();
    });
  }
  std::vector<SyncCompletion> completions;
  while (finished.load() < kThreads) backend_->wait(completions);
  for (std::thread& waker : wakers) waker.join();
  EXPECT_TRUE(completions.empty());
}

TEST_P(BackendContract, CompletionsAreAppended) {
  const TempFiles files;
  std::vector<SyncCompletion> completions{{.token = SyncToken(77), .outcome = SyncOutcome::never_ran}};
  submit(files.fd());
  while (completions.size() < 2) backend_->wait(completions);
  EXPECT_EQ(completions[0].token, SyncToken(77));
  EXPECT_EQ(completions[1].token, SyncToken(1));
}

TEST_P(BackendContract, AnotherThreadThanItsMakerMaySubmit) {
  const TempFiles files;
  SyncOutcome outcome{};
  std::thread([&] { outcome = sync(files.fd()).outcome; }).join();
  EXPECT_EQ(outcome, SyncOutcome::succeeded);
}

TEST_P(BackendContract, FingerprintFollowsTheSize) {
  const TempFiles files;
  const Result<Fingerprint> before = backend_->fingerprint(files.fd());
  write_bytes(files.fd(), 5000);
  const Result<Fingerprint> after = backend_->fingerprint(files.fd());
  ASSERT_TRUE(before && after);
  EXPECT_EQ(before->size, 0);
  EXPECT_EQ(after->size, 5000);
}

TEST_P(BackendContract, FingerprintFollowsTheTimes) {
  const TempFiles files;
  const std::array<timespec, 2> times{timespec{.tv_sec = 1, .tv_nsec = 0},
                                      timespec{.tv_sec = 2, .tv_nsec = 3}};
  ASSERT_EQ(::futimens(files.fd(), times.data()), 0);
  const Result<Fingerprint> fingerprint = backend_->fingerprint(files.fd());
  ASSERT_TRUE(fingerprint);
  EXPECT_EQ(fingerprint->mtime.tv_sec, 2);
  EXPECT_EQ(fingerprint->mtime.tv_nsec, 3);
  EXPECT_GT(fingerprint->ctime.tv_sec, 2);
}

TEST_P(BackendContract, FingerprintOfNoDescriptorIsAnError) {
  const Result<Fingerprint> fingerprint = backend_->fingerprint(-1);
  ASSERT_FALSE(fingerprint);
  EXPECT_EQ(fingerprint.error(), Errno(EBADF));
}

}  // namespace
}  // namespace sluice::testing
