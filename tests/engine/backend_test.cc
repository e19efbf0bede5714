#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <future>
#include <thread>
#include <tuple>
#include <vector>

#include "backend_contract.h"
#include "temp_files.h"

// What every backend owes the engine, whatever it is made of.

namespace sluice::testing {
namespace {

INSTANTIATE_TEST_SUITE_P(, BackendContract, ::testing::ValuesIn(BackendContract::makers()),
                         BackendContract::name_of);

TEST_P(BackendContract, IsNamedAfterWhatItIs) {
  EXPECT_EQ(backend_->name(), GetParam().name);
}

TEST_P(BackendContract, KeepsItsLimit) {
  EXPECT_EQ(backend_->max_in_flight(), kLimit);
}

TEST_P(BackendContract, FullSyncOfAFileSucceeds) {
  const TempFiles files;
  write_bytes(files.fd(), 4096);
  EXPECT_EQ(sync(files.fd(), SyncKind::full).outcome, IoOutcome::succeeded);
}

TEST_P(BackendContract, DataSyncOfAFileSucceeds) {
  const TempFiles files;
  write_bytes(files.fd(), 4096);
  EXPECT_EQ(sync(files.fd(), SyncKind::data).outcome, IoOutcome::succeeded);
}

TEST_P(BackendContract, DirectoryCanBeSynced) {
  const UniqueFd directory(::open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_TRUE(directory.valid());
  EXPECT_EQ(sync(directory.get()).outcome, IoOutcome::succeeded);
}

TEST_P(BackendContract, CompletionCarriesItsToken) {
  const TempFiles files;
  const IoToken token = submit(files.fd());
  EXPECT_EQ(collect(1).front().token, token);
}

TEST_P(BackendContract, SyncOfAPipeFailsWithEinval) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const UniqueFd reader(ends[0]);
  const UniqueFd writer(ends[1]);
  const IoCompletion completion = sync(writer.get());
  EXPECT_EQ(completion.outcome, IoOutcome::failed);
  EXPECT_EQ(completion.error, Errno(EINVAL));
}

TEST_P(BackendContract, SyncOfNoDescriptorFailsWithEbadf) {
  constexpr int kNeverOpen = 1 << 20;
  const IoCompletion completion = sync(kNeverOpen);
  EXPECT_EQ(completion.outcome, IoOutcome::failed);
  EXPECT_EQ(completion.error, Errno(EBADF));
}

TEST_P(BackendContract, FailureDoesNotStopTheSyncsSubmittedWithIt) {
  const TempFiles files(2);
  submit(files.fd(0));
  submit(-1);
  submit(files.fd(1));
  const std::vector<IoCompletion> completions = collect(3);
  EXPECT_EQ(completions[0].outcome, IoOutcome::succeeded);
  EXPECT_EQ(completions[1].outcome, IoOutcome::failed);
  EXPECT_EQ(completions[2].outcome, IoOutcome::succeeded);
}

TEST_P(BackendContract, EverySyncUpToTheLimitEndsOnce) {
  const TempFiles files(kLimit);
  for (std::size_t i = 0; i < kLimit; ++i) {
    write_bytes(files.fd(i), 65536);
    submit(files.fd(i), i % 2 == 0 ? SyncKind::full : SyncKind::data);
  }
  const std::vector<IoCompletion> completions = collect(kLimit);
  ASSERT_EQ(completions.size(), kLimit);
  for (std::size_t i = 0; i < kLimit; ++i) {
    EXPECT_EQ(completions[i].token, IoToken(i + 1));
    EXPECT_EQ(completions[i].outcome, IoOutcome::succeeded);
  }
}

TEST_P(BackendContract, PlaceIsFreeAgainWhenItsCompletionWasHandedOut) {
  const TempFiles files;
  for (unsigned i = 0; i < 8 * kLimit; i += kLimit) {
    for (unsigned j = 0; j < kLimit; ++j) submit(files.fd());
    EXPECT_EQ(collect(kLimit).size(), kLimit);
  }
}

TEST_P(BackendContract, WakeBeforeWaitIsNotLost) {
  backend_->wake();
  std::vector<IoCompletion> completions;
  backend_->wait(completions);
  EXPECT_TRUE(completions.empty());
}

TEST_P(BackendContract, WakeDuringWaitEndsIt) {
  std::vector<IoCompletion> completions;
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
  std::vector<IoCompletion> completions;
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
  std::vector<IoCompletion> completions;
  while (finished.load() < kThreads) backend_->wait(completions);
  for (std::thread& waker : wakers) waker.join();
  EXPECT_TRUE(completions.empty());
}

TEST_P(BackendContract, CompletionsAreAppended) {
  const TempFiles files;
  std::vector<IoCompletion> completions{{.token = IoToken(77), .outcome = IoOutcome::never_ran}};
  submit(files.fd());
  while (completions.size() < 2) backend_->wait(completions);
  EXPECT_EQ(completions[0].token, IoToken(77));
  EXPECT_EQ(completions[1].token, IoToken(1));
}

TEST_P(BackendContract, AnotherThreadThanItsMakerMaySubmit) {
  const TempFiles files;
  IoOutcome outcome{};
  std::thread([&] { outcome = sync(files.fd()).outcome; }).join();
  EXPECT_EQ(outcome, IoOutcome::succeeded);
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

TEST_P(BackendContract, SizeIsThatOfTheFingerprint) {
  const TempFiles files;
  write_bytes(files.fd(), 5000);
  EXPECT_EQ(backend_->size(files.fd()).value(), 5000);
}

TEST_P(BackendContract, NothingIsStampedLaterThanTheWallClock) {
  const TempFiles files;
  if (!backend_->stamps_by_wall_clock(files.fd()))
    GTEST_SKIP() << "the file system of the temporary directory is none whose clock is known";
  for (int i = 0; i < 100; ++i) {
    write_bytes(files.fd(), 1);
    const timespec now = backend_->wall_clock();
    // Asked for last, so that the next write gets a stamp of its own.
    const Result<Fingerprint> fingerprint = backend_->fingerprint(files.fd());
    ASSERT_TRUE(fingerprint);
    EXPECT_LE(std::tie(fingerprint->ctime.tv_sec, fingerprint->ctime.tv_nsec),
              std::tie(now.tv_sec, now.tv_nsec));
  }
}

// What a server keeps has stamps of its own, and of most others nobody knows.
TEST_P(BackendContract, OtherFileSystemsAreNotKnownToGoByTheWallClock) {
  const UniqueFd elsewhere(::open("/proc/self/status", O_RDONLY | O_CLOEXEC));
  EXPECT_FALSE(backend_->stamps_by_wall_clock(elsewhere.get()));
}

TEST_P(BackendContract, FingerprintOfNoDescriptorIsAnError) {
  const Result<Fingerprint> fingerprint = backend_->fingerprint(-1);
  ASSERT_FALSE(fingerprint);
  EXPECT_EQ(fingerprint.error(), Errno(EBADF));
}

}  // namespace
}  // namespace sluice::testing
