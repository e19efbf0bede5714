#include <cerrno>

#include "libaio_fixture.h"

// Cancelling in the libaio shape.

namespace sluice::testing {
namespace {

using LibaioCancel = LibaioFixture;

TEST_F(LibaioCancel, Contract_F5_SyncThatWaitsForItsCoverIsCancelledAndHasNoOtherEvent) {
  SLUICE_SLOW_BUFFER(slow);
  sluice_iocb write = write_of(fd(), slow);
  sluice_iocb sync = fsync_of(fd());
  sync.data = this;
  ASSERT_EQ(submit(write), 1);
  ASSERT_EQ(submit(sync), 1);
  sluice_io_event event{};
  ASSERT_EQ(sluice_io_cancel(context(), &sync, &event), 0);
  EXPECT_EQ(event.obj, &sync);
  EXPECT_EQ(event.data, this);
  EXPECT_EQ(event.res, -ECANCELED);
  EXPECT_EQ(sluice_io_cancel(context(), &sync, &event), -EINVAL);
  // It is the program's again.
  EXPECT_EQ(submit(sync), 1);
  slow.arrive();
  EXPECT_EQ(collect(2).size(), 2U);
  constexpr timespec kNow{.tv_sec = 0, .tv_nsec = 0};
  EXPECT_EQ(sluice_io_queue_wait(context(), &kNow), -ETIMEDOUT);
}

TEST_F(LibaioCancel, Contract_F5_WhatRunsOrIsDoneIsNotCancelled) {
  SLUICE_SLOW_BUFFER(slow);
  sluice_iocb write = write_of(fd(), slow);
  ASSERT_EQ(submit(write), 1);
  ASSERT_TRUE(slow.wait_until_wanted());
  sluice_io_event event{};
  EXPECT_EQ(sluice_io_cancel(context(), &write, &event), -EAGAIN);
  slow.arrive();
  ASSERT_EQ(sluice_io_queue_wait(context(), nullptr), 0);
  EXPECT_EQ(sluice_io_cancel(context(), &write, &event), -EAGAIN);
  EXPECT_EQ(collect_result(), 4096);
}

TEST_F(LibaioCancel, CancellingSaysWhatItCannotDo) {
  SLUICE_SLOW_BUFFER(slow);
  sluice_io_context_t other = nullptr;
  ASSERT_EQ(sluice_io_setup(1, &other), 0);
  sluice_iocb write = write_of(fd(), slow);
  sluice_iocb sync = fsync_of(fd());
  ASSERT_EQ(submit(write), 1);
  ASSERT_EQ(submit(sync), 1);
  sluice_io_event event{};
  EXPECT_EQ(sluice_io_cancel(other, &sync, &event), -EINVAL);
  EXPECT_EQ(sluice_io_cancel(context(), &sync, nullptr), -EFAULT);
  sluice_iocb unknown = fsync_of(fd());
  EXPECT_EQ(sluice_io_cancel(context(), &unknown, &event), -EINVAL);
  EXPECT_EQ(sluice_io_cancel(context(), nullptr, &event), -EINVAL);
  slow.arrive();
  EXPECT_EQ(collect(2).size(), 2U);
  EXPECT_EQ(sluice_io_destroy(other), 0);
}

}  // namespace
}  // namespace sluice::testing
