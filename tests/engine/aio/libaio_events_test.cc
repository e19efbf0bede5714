#include <pthread.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <thread>

#include "libaio_fixture.h"

// Collecting what is done: events, callbacks, waiting for them.

namespace sluice::testing {
namespace {

constexpr timespec kNow{.tv_sec = 0, .tv_nsec = 0};

using LibaioEvents = LibaioFixture;

/// A block that notes what its callback is told.
struct Told {
  sluice_iocb block;  // The first member, so that its address is that of the whole.
  int calls = 0;
  sluice_io_context_t context = nullptr;
  const sluice_iocb* told_block = nullptr;
  long res = -1;
  long res2 = -1;
  std::thread::id thread;

  static void done(sluice_io_context_t context, sluice_iocb* block, long res, long res2) {
    auto* told = reinterpret_cast<Told*>(block);
    ++told->calls;
    told->context = context;
    told->told_block = block;
    told->res = res;
    told->res2 = res2;
    told->thread = std::this_thread::get_id();
  }
};

// ---- Callbacks ----

TEST_F(LibaioEvents, Contract_F2_CallbackGetsContextBlockAndResultOnceInTheThreadThatRunsIt) {
  Told told;
  ASSERT_EQ(sluice_io_fsync(context(), &told.block, Told::done, fd()), 0);
  ASSERT_EQ(sluice_io_queue_wait(context(), nullptr), 0);
  EXPECT_EQ(told.calls, 0);
  EXPECT_EQ(sluice_io_queue_run(context()), 0);
  EXPECT_EQ(sluice_io_queue_run(context()), 0);
  EXPECT_EQ(told.calls, 1);
  EXPECT_EQ(told.context, context());
  EXPECT_EQ(told.told_block, &told.block);
  EXPECT_EQ(told.res, 0);
  EXPECT_EQ(told.res2, 0);
  EXPECT_EQ(told.thread, std::this_thread::get_id());
}

TEST_F(LibaioEvents, Contract_F2_CallbackOfATransferGetsItsBytesAndThatOfAFailureItsNegativeErrno) {
  Told write;
  write.block = write_of(fd(), "sluice");
  sluice_io_set_callback(&write.block, Told::done);
  ASSERT_EQ(submit(write.block), 1);
  ASSERT_EQ(sluice_io_queue_wait(context(), nullptr), 0);
  ASSERT_EQ(sluice_io_queue_run(context()), 0);
  EXPECT_EQ(write.res, 6);
  Told bad;
  sluice_io_prep_pwrite(&bad.block, fd(), nullptr, 16, 0);
  sluice_io_set_callback(&bad.block, Told::done);
  ASSERT_EQ(submit(bad.block), 1);
  ASSERT_EQ(sluice_io_queue_wait(context(), nullptr), 0);
  ASSERT_EQ(sluice_io_queue_run(context()), 0);
  EXPECT_EQ(bad.res, -EFAULT);
}

TEST_F(LibaioEvents, Contract_F2_CallbackComesOnlyAfterWhatWasQueuedBefore) {
  SLUICE_SLOW_BUFFER(slow);
  sluice_iocb write = write_of(fd(), slow);
  ASSERT_EQ(submit(write), 1);
  Told told;
  ASSERT_EQ(sluice_io_fsync(context(), &told.block, Told::done, fd()), 0);
  ASSERT_TRUE(slow.wait_until_wanted());
  EXPECT_EQ(sluice_io_queue_run(context()), 0);
  EXPECT_EQ(told.calls, 0);
  slow.arrive();
  EXPECT_EQ(collect(1).at(0).obj, &write);
  ASSERT_EQ(sluice_io_queue_wait(context(), nullptr), 0);
  EXPECT_EQ(sluice_io_queue_run(context()), 0);
  EXPECT_EQ(told.calls, 1);
}

TEST_F(LibaioEvents, Contract_F1_FsyncSaysItsErrorAndCallsNobody) {
  Told told;
  EXPECT_EQ(sluice_io_fsync(context(), &told.block, Told::done, -1), -EBADF);
  EXPECT_EQ(sluice_io_queue_run(context()), 0);
  EXPECT_EQ(told.calls, 0);
}

TEST_F(LibaioEvents, EventsWithoutCallbackAreLeftToBeCollected) {
  sluice_iocb plain = fsync_of(fd(0));
  ASSERT_EQ(submit(plain), 1);
  ASSERT_EQ(sluice_io_queue_wait(context(), nullptr), 0);
  Told told;
  ASSERT_EQ(sluice_io_fsync(context(), &told.block, Told::done, fd(1)), 0);
  while (told.calls == 0) ASSERT_EQ(sluice_io_queue_run(context()), 0);
  EXPECT_EQ(collect(1).at(0).obj, &plain);
}

TEST_F(LibaioEvents, CallbackMaySubmitItsBlockAgain) {
  struct Twice {
    sluice_iocb block;
    int fd;
    int calls;
    int resubmitted;
  };
  Twice twice{.block = {}, .fd = fd(), .calls = 0, .resubmitted = -1};
  const auto again = [](sluice_io_context_t context, sluice_iocb* block, long, long) {
    auto* self = reinterpret_cast<Twice*>(block);
    if (++self->calls > 1) return;
    sluice_iocb* blocks[] = {block};
    self->resubmitted = sluice_io_submit(context, 1, blocks);
  };
  ASSERT_EQ(sluice_io_fsync(context(), &twice.block, again, fd()), 0);
  ASSERT_EQ(sluice_io_queue_wait(context(), nullptr), 0);
  ASSERT_EQ(sluice_io_queue_run(context()), 0);
  EXPECT_EQ(twice.resubmitted, 1);
  while (twice.calls < 2) ASSERT_EQ(sluice_io_queue_run(context()), 0);
}

TEST_F(LibaioEvents, CallbackMayDestroyTheContext) {
  sluice_io_context_t own = nullptr;
  ASSERT_EQ(sluice_io_setup(1, &own), 0);
  struct Last {
    sluice_iocb block;
    int destroyed;
  };
  Last last{.block = {}, .destroyed = -1};
  const auto destroy = [](sluice_io_context_t context, sluice_iocb* block, long, long) {
    reinterpret_cast<Last*>(block)->destroyed = sluice_io_destroy(context);
  };
  ASSERT_EQ(sluice_io_fsync(own, &last.block, destroy, fd()), 0);
  ASSERT_EQ(sluice_io_queue_wait(own, nullptr), 0);
  EXPECT_EQ(sluice_io_queue_run(own), 0);
  EXPECT_EQ(last.destroyed, 0);
  EXPECT_EQ(sluice_io_queue_run(own), -EINVAL);
}

// ---- Events ----

TEST_F(LibaioEvents, Contract_F5_EventHandsBackBlockAndDataAsTheyWereSubmitted) {
  int mark = 0;
  sluice_iocb block = fsync_of(fd());
  block.data = &mark;
  ASSERT_EQ(submit(block), 1);
  block.data = nullptr;
  const auto events = collect(1);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].obj, &block);
  EXPECT_EQ(events[0].data, &mark);
  EXPECT_EQ(events[0].res, 0);
  EXPECT_EQ(events[0].res2, 0);
}

TEST_F(LibaioEvents, Contract_F5_AtMostMaxAreCollectedAndTheRestStays) {
  std::array<sluice_iocb, 3> blocks{fsync_of(fd(0)), fsync_of(fd(1)), fsync_of(fd(2))};
  sluice_iocb* pointers[] = {&blocks[0], &blocks[1], &blocks[2]};
  ASSERT_EQ(sluice_io_submit(context(), 3, pointers), 3);
  std::array<sluice_io_event, 3> events{};
  EXPECT_EQ(sluice_io_getevents(context(), 2, 2, events.data(), nullptr), 2);
  EXPECT_EQ(sluice_io_getevents(context(), 1, 3, events.data(), nullptr), 1);
  EXPECT_EQ(sluice_io_getevents(context(), 0, 3, events.data(), nullptr), 0);
}

TEST_F(LibaioEvents, Contract_F5_TimeoutGivesWhatThereIs) {
  SLUICE_SLOW_BUFFER(slow);
  sluice_iocb quick = fsync_of(fd(0));
  sluice_iocb held = write_of(fd(1), slow);
  sluice_iocb* blocks[] = {&quick, &held};
  ASSERT_EQ(sluice_io_submit(context(), 2, blocks), 2);
  ASSERT_EQ(sluice_io_queue_wait(context(), nullptr), 0);
  std::array<sluice_io_event, 2> events{};
  EXPECT_EQ(sluice_io_getevents(context(), 2, 2, events.data(), &kNow), 1);
  EXPECT_EQ(events[0].obj, &quick);
  EXPECT_EQ(sluice_io_getevents(context(), 1, 2, events.data(), &kNow), 0);
  EXPECT_EQ(sluice_io_queue_wait(context(), &kNow), -ETIMEDOUT);
  slow.arrive();
  EXPECT_EQ(collect_result(), 4096);
}

TEST_F(LibaioEvents, WhatCannotBeAskedForIsEinvalAndEfault) {
  sluice_io_event event;
  constexpr timespec kNone{.tv_sec = 0, .tv_nsec = 1'000'000'000};
  EXPECT_EQ(sluice_io_getevents(context(), -1, 1, &event, &kNow), -EINVAL);
  EXPECT_EQ(sluice_io_getevents(context(), 2, 1, &event, &kNow), -EINVAL);
  EXPECT_EQ(sluice_io_getevents(context(), 0, 1, &event, &kNone), -EINVAL);
  EXPECT_EQ(sluice_io_getevents(context(), 0, 1, nullptr, &kNow), -EFAULT);
  const auto* nowhere = reinterpret_cast<const timespec*>(std::uintptr_t{8});
  EXPECT_EQ(sluice_io_getevents(context(), 0, 1, &event, nowhere), -EFAULT);
  EXPECT_EQ(sluice_io_queue_wait(context(), &kNone), -EINVAL);
  EXPECT_EQ(sluice_io_queue_wait(context(), nowhere), -EFAULT);
}

// ---- Signals ----

/// What `wait` returns in a thread that is sent signals until it returns.
int interrupted(const std::function<int()>& wait) {
  struct sigaction action {};
  action.sa_handler = [](int) {};
  struct sigaction before {};
  EXPECT_EQ(::sigaction(SIGUSR1, &action, &before), 0);
  std::atomic<bool> returned{false};
  int result = 0;
  std::thread waiter([&] {
    result = wait();
    returned = true;
  });
  while (!returned) {
    ::pthread_kill(waiter.native_handle(), SIGUSR1);
    std::this_thread::yield();
  }
  waiter.join();
  EXPECT_EQ(::sigaction(SIGUSR1, &before, nullptr), 0);
  return result;
}

TEST_F(LibaioEvents, SignalInterruptsTheWaitForAnEvent) {
  sluice_io_event event;
  EXPECT_EQ(interrupted([&] { return sluice_io_getevents(context(), 1, 1, &event, nullptr); }), -EINTR);
  EXPECT_EQ(interrupted([&] { return sluice_io_queue_wait(context(), nullptr); }), -EINTR);
}

TEST_F(LibaioEvents, SignalLosesNoEventThatHasBeenCollected) {
  sluice_iocb block = fsync_of(fd());
  ASSERT_EQ(submit(block), 1);
  ASSERT_EQ(sluice_io_queue_wait(context(), nullptr), 0);
  std::array<sluice_io_event, 2> events{};
  EXPECT_EQ(interrupted([&] { return sluice_io_getevents(context(), 2, 2, events.data(), nullptr); }), 1);
  EXPECT_EQ(events[0].obj, &block);
}

}  // namespace
}  // namespace sluice::testing
