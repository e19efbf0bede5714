#include <gtest/gtest.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <future>
#include <thread>

#include "aio_harness.h"
#include "real_aio.h"
#include "sluice/sync_engine.h"

// Submitting, waiting, cancelling, ending: what holds on every backend, on real files.

namespace sluice::testing {
namespace {

using Clock = std::chrono::steady_clock;

int refusal(AioContext& context, AioOrder order) {
  return error_of([&]() -> Result<std::size_t> {
    const auto request = context.submit(std::move(order));
    if (!request) return fail(request.error());
    return 0;
  }());
}

class AioContextOn : public RealAio {
 protected:
  [[nodiscard]] int fd(std::size_t index = 0) const { return files_.fd(index); }

  TempFiles files_{4};
};

INSTANTIATE_TEST_SUITE_P(, AioContextOn, real_backends(), name_of_backend);

TEST_P(AioContextOn, WriteThenReadGivesTheBytesBack) {
  ASSERT_EQ(submit(AioOrder::write(fd(), bytes_of("sluice"), 7))->wait(), 6U);
  std::array<std::byte, 16> buffer{};
  EXPECT_EQ(submit(AioOrder::read(fd(), buffer, 7))->wait(), 6U);
  EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(buffer.data()), 6), "sluice");
}

TEST_P(AioContextOn, Contract_P4_FullAndDataSyncsSucceed) {
  write_bytes(fd(), 4096);
  EXPECT_EQ(submit(AioOrder::sync(fd(), SyncKind::full))->wait(), 0U);
  EXPECT_EQ(submit(AioOrder::sync(fd(), SyncKind::data))->wait(), 0U);
  EXPECT_EQ(context_->engine().counters().full.syncs, 1U);
  EXPECT_EQ(context_->engine().counters().data.syncs, 1U);
}

TEST_P(AioContextOn, Contract_S6_OffsetsHave64Bits) {
  constexpr off_t kFar = off_t{5} << 32;
  ASSERT_EQ(submit(AioOrder::write(fd(), bytes_of("far"), kFar))->wait(), 3U);
  EXPECT_EQ(::lseek(fd(), 0, SEEK_END), kFar + 3);
}

TEST_P(AioContextOn, DescriptorMayBeClosedOnceQueued) {
  UniqueFd own(::fcntl(fd(), F_DUPFD_CLOEXEC, 0));
  const auto write = submit(AioOrder::write(own.get(), bytes_of("x"), 0));
  const auto sync = submit(AioOrder::sync(own.get()));
  own.reset();
  EXPECT_EQ(write->wait(), 1U);
  EXPECT_EQ(sync->wait(), 0U);
}

TEST_P(AioContextOn, AppendsAreMadeInTheOrderOfSubmission) {
  const UniqueFd appending(::open(files_.path().c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  std::string expected;
  AioContext::Requests writes;
  for (char c = 'a'; c <= 'z'; ++c) expected += c;
  for (const char& c : expected)
    writes.push_back(submit(AioOrder::write(appending.get(), bytes_of(std::string_view(&c, 1)), 0)));
  ASSERT_TRUE(AioContext::wait_all(writes));
  std::string found(expected.size(), '\0');
  ASSERT_EQ(::pread(fd(), found.data(), found.size(), 0), static_cast<ssize_t>(found.size()));
  EXPECT_EQ(found, expected);
}

TEST_P(AioContextOn, DirectoryCanBeSynced) {
  const UniqueFd directory(::open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  EXPECT_EQ(submit(AioOrder::sync(directory.get()))->wait(), 0U);
}

TEST_P(AioContextOn, ReadOnlyDescriptorIsEnoughToSync) {
  const UniqueFd reading(::open(files_.path().c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(submit(AioOrder::sync(reading.get()))->wait(), 0U);
}

TEST_P(AioContextOn, WriteToAReadOnlyDescriptorFailsWithEbadf) {
  const UniqueFd reading(::open(files_.path().c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(outcome_of(*submit(AioOrder::write(reading.get(), bytes_of("x"), 0))), EBADF);
}

// ---- Refusals ----

TEST_P(AioContextOn, Contract_F4_ClosedDescriptorIsEbadf) {
  EXPECT_EQ(refusal(*context_, AioOrder::sync(-1)), EBADF);
  EXPECT_EQ(refusal(*context_, AioOrder::write(9999, bytes_of("x"), 0)), EBADF);
}

TEST_P(AioContextOn, DescriptorThatOnlyNamesAFileIsEbadf) {
  const UniqueFd path(::open(files_.path().c_str(), O_PATH | O_CLOEXEC));
  EXPECT_EQ(refusal(*context_, AioOrder::sync(path.get())), EBADF);
}

TEST_P(AioContextOn, Contract_B5_PipeAndSocketAndTerminalAreEopnotsupp) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const UniqueFd reader(ends[0]);
  const UniqueFd writer(ends[1]);
  const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const UniqueFd terminal(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  EXPECT_EQ(refusal(*context_, AioOrder::sync(writer.get())), EOPNOTSUPP);
  EXPECT_EQ(refusal(*context_, AioOrder::write(writer.get(), bytes_of("x"), 0)), EOPNOTSUPP);
  EXPECT_EQ(refusal(*context_, AioOrder::sync(socket.get())), EOPNOTSUPP);
  ASSERT_TRUE(terminal.valid());
  EXPECT_EQ(refusal(*context_, AioOrder::sync(terminal.get())), EOPNOTSUPP);
}

TEST_P(AioContextOn, NegativeOffsetIsEinval) {
  EXPECT_EQ(refusal(*context_, AioOrder::write(fd(), bytes_of("x"), -1)), EINVAL);
}

TEST_P(AioContextOn, Contract_B6_FileThatCannotBeSyncedIsEinval) {
  const UniqueFd file(::open("/proc/self/status", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(outcome_of(*submit(AioOrder::sync(file.get()))), EINVAL);
}

TEST_P(AioContextOn, StopRefusesWhatComesLater) {
  const auto before = submit(AioOrder::sync(fd()));
  context_->stop();
  EXPECT_TRUE(before->done());
  EXPECT_EQ(refusal(*context_, AioOrder::sync(fd())), ESHUTDOWN);
}

TEST(AioContextOptions, LimitsOutOfRangeAreEinval) {
  AioOptions no_requests;
  no_requests.max_requests = 0;
  AioOptions no_syncs;
  no_syncs.max_syncs = 0;
  for (const AioOptions& options : {no_requests, no_syncs}) {
    const auto context = AioContext::create(options);
    ASSERT_FALSE(context);
    EXPECT_EQ(context.error(), Errno(EINVAL));
  }
}

// ---- Batches, waiting ----

TEST_P(AioContextOn, Contract_F5_BatchSaysHowManyWereQueuedAndWhyNotTheNext) {
  std::array<AioOrder, 4> orders{AioOrder::sync(fd(0)), AioOrder::sync(fd(1)), AioOrder::sync(-1),
                                 AioOrder::sync(fd(2))};
  AioContext::Requests requests;
  const AioBatch batch = context_->submit_batch(orders, requests);
  EXPECT_EQ(batch.queued, 2U);
  EXPECT_EQ(batch.error, Errno(EBADF));
  EXPECT_EQ(requests.size(), 2U);
  EXPECT_TRUE(AioContext::wait_all(requests));
}

TEST_P(AioContextOn, Contract_S5_DetachedRequestIsCarriedOutBeforeTheContextEnds) {
  ASSERT_TRUE(context_->submit_detached(AioOrder::write(fd(), bytes_of("kept"), 0)));
  ASSERT_TRUE(context_->submit_detached(AioOrder::sync(fd())));
  context_->stop();
  EXPECT_EQ(context_->engine().counters().full.syncs, 1U);
  EXPECT_EQ(::lseek(fd(), 0, SEEK_END), 4);
}

TEST_P(AioContextOn, EventFdIsReadableWhileSomethingIsToBeTaken) {
  const auto completions = CompletionQueue::create().value();
  pollfd event{.fd = completions->event_fd(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&event, 1, 0), 0);
  AioContext::Requests requests;
  for (std::size_t i = 0; i < 2; ++i) {
    AioOrder order = AioOrder::sync(fd(i));
    order.completions = completions;
    requests.push_back(submit(std::move(order)));
  }
  EXPECT_EQ(completions->take(2, 2, Clock::time_point::max()).size(), 2U);
  EXPECT_EQ(::poll(&event, 1, 0), 0);
  AioOrder third = AioOrder::sync(fd());
  third.completions = completions;
  const auto last = submit(std::move(third));
  EXPECT_EQ(::poll(&event, 1, -1), 1);
  EXPECT_EQ(completions->take(8), AioContext::Requests{last});
  EXPECT_EQ(::poll(&event, 1, 0), 0);
}

TEST_P(AioContextOn, TagAndCallbackBelongToTheirRequest) {
  class Told final : public AioCallback {
   public:
    explicit Told(std::atomic<void*>& tag) : tag_(tag) {}
    void request_done(AioRequest& request) noexcept override {
      if (request.done()) tag_ = request.tag();
    }

   private:
    std::atomic<void*>& tag_;
  };
  std::atomic<void*> tag{nullptr};
  AioOrder order = AioOrder::sync(fd());
  order.tag = this;
  order.callback = std::make_unique<Told>(tag);
  submit(std::move(order));
  context_->stop();
  EXPECT_EQ(tag.load(), this);
}

TEST_P(AioContextOn, Contract_S7_EveryThreadMaySubmitAndWait) {
  constexpr std::size_t kThreads = 4;
  std::array<int, kThreads> failures{};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      for (std::size_t j = 0; j < 50; ++j) {
        const auto write = context_->submit(AioOrder::write(fd(j % 4), bytes_of("x"), static_cast<off_t>(j)));
        const auto sync = context_->submit(AioOrder::sync(fd(j % 4)));
        if (!write || !sync || !(*sync)->wait() || !(*write)->done()) ++failures[i];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, (std::array<int, kThreads>{}));
}

TEST(AioWaiting, AnyIsTheOneThatIsDone) {
  FakeAio aio(2);
  const AioContext::Requests requests{nullptr, aio.sync(SyncKind::full, 0), aio.sync(SyncKind::full, 1)};
  EXPECT_EQ(aio.context().wait_any(requests, Clock::now()), std::nullopt);
  ASSERT_TRUE(aio.syncs().wait_for_submissions(2));
  aio.end_sync(1);
  EXPECT_EQ(aio.context().wait_any(requests), 2U);
}

TEST(AioWaiting, AllWaitsForTheLast) {
  FakeAio aio(2);
  const AioContext::Requests requests{aio.sync(SyncKind::full, 0), aio.sync(SyncKind::full, 1)};
  ASSERT_TRUE(aio.syncs().wait_for_submissions(2));
  aio.end_sync(0);
  EXPECT_FALSE(AioContext::wait_all(requests, Clock::now()));
  aio.end_sync(1);
  EXPECT_TRUE(AioContext::wait_all(requests));
}

TEST(AioWaiting, DeadlineBeforeTheOriginOfTheClockHasPassed) {
  FakeAio aio;
  const auto sync = aio.sync();
  ASSERT_TRUE(aio.syncs().wait_for_submissions(1));
  auto waiting = std::async(std::launch::async, [&] { return sync->wait_until(Clock::time_point::min()); });
  EXPECT_EQ(waiting.wait_for(FakeBackend::kPatience), std::future_status::ready);
  aio.end_sync(0);
  EXPECT_EQ(waiting.get(), std::nullopt);
}

TEST(AioWaiting, Contract_S2_StatusIsInProgressUntilTheEnd) {
  FakeAio aio;
  const auto sync = aio.sync();
  ASSERT_TRUE(aio.syncs().wait_for_submissions(1));
  EXPECT_FALSE(sync->done());
  EXPECT_EQ(sync->wait_until(Clock::now()), std::nullopt);
  aio.end_sync(0, EIO);
  EXPECT_EQ(outcome_of(*sync), EIO);
  EXPECT_TRUE(sync->done());
}

// ---- Limits, cancelling, priority ----

TEST(AioLimits, Contract_E6_CompletionQueueHasRoomForWhatIsTakenOnly) {
  FakeAio aio;
  const auto completions = CompletionQueue::create(1).value();
  const auto submit = [&] {
    AioOrder order = AioOrder::sync(aio.files().fd());
    order.completions = completions;
    return refusal(aio.context(), std::move(order));
  };
  ASSERT_EQ(submit(), 0);
  EXPECT_EQ(submit(), EAGAIN);
  aio.end_sync(0);
  ASSERT_EQ(completions->take(1, 1, Clock::now() + FakeBackend::kPatience).size(), 1U);
  EXPECT_EQ(submit(), 0);
}

TEST(AioLimits, Contract_L5_FullQueueIsEagainAndTheOrderIsUntouched) {
  AioOptions options;
  options.max_requests = 2;
  FakeAio aio(1, options);
  aio.write();
  const auto sync = aio.sync();
  AioOrder order = AioOrder::sync(aio.files().fd());
  order.completions = CompletionQueue::create().value();
  const auto refused = aio.context().submit(std::move(order));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), Errno(EAGAIN));
  EXPECT_NE(order.completions, nullptr);
  aio.end_transfer(0);
  aio.end_sync(0);
  ASSERT_EQ(outcome_of(*sync), 0);
  EXPECT_TRUE(aio.context().submit(std::move(order)));
}

TEST(AioCancel, Contract_L9_SyncThatWaitsForItsCoverIsCancelled) {
  FakeAio aio;
  aio.write();
  const auto sync = aio.sync();
  EXPECT_EQ(aio.context().cancel(*sync), CancelOutcome::cancelled);
  EXPECT_EQ(outcome_of(*sync), ECANCELED);
  EXPECT_EQ(aio.context().cancel(*sync), CancelOutcome::all_done);
}

TEST(AioCancel, Contract_L9_WhatRunsIsNotCancelled) {
  FakeAio aio(2);
  const auto write = aio.write(0);
  const auto sync = aio.sync(SyncKind::full, 1);
  ASSERT_TRUE(aio.syncs().wait_for_submissions(1));
  ASSERT_TRUE(aio.transfers().wait_for_transfers(1));
  EXPECT_EQ(aio.context().cancel(*write), CancelOutcome::not_cancelled);
  EXPECT_EQ(aio.context().cancel(*sync), CancelOutcome::not_cancelled);
  aio.end_sync(0);
  aio.end_transfer(0);
  EXPECT_EQ(outcome_of(*sync), 0);
  EXPECT_EQ(outcome_of(*write), 0);
}

TEST(AioPriority, Contract_B2_HigherPriorityIsStartedEarlier) {
  AioOptions options;
  options.max_transfers = 1;
  options.max_syncs = 1;
  FakeAio aio(3, options);
  aio.sync(SyncKind::full, 0);
  ASSERT_TRUE(aio.syncs().wait_for_submissions(1));
  aio.sync(SyncKind::full, 1);
  AioOrder urgent = AioOrder::sync(aio.files().fd(2));
  urgent.priority = Priority(1);
  const auto first = aio.submit(std::move(urgent));
  aio.end_sync(0);
  aio.end_sync(1);
  EXPECT_EQ(outcome_of(*first), 0);
}

}  // namespace
}  // namespace sluice::testing
