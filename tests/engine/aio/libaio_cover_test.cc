#include <fcntl.h>

#include <cerrno>

#include "aio/process_aio.h"
#include "libaio_fixture.h"
#include "sluice/sync_engine.h"

// What a sync of the libaio shape covers, with writes that are under way for as long as the test wants.

namespace sluice::testing {
namespace {

class LibaioCover : public LibaioFixture {
 protected:
  [[nodiscard]] static std::uint64_t full_syncs() { return (*process_aio())->engine().counters().full.syncs; }
  /// Whether an event can be collected now; collects none.
  [[nodiscard]] bool has_event() const {
    const timespec now{.tv_sec = 0, .tv_nsec = 0};
    return sluice_io_queue_wait(context(), &now) == 0;
  }

  const std::uint64_t syncs_before_ = full_syncs();
};

TEST_F(LibaioCover, Contract_F3_SyncBetweenTwoWritesWaitsForTheFirstAndNotForTheSecond) {
  SLUICE_SLOW_BUFFER(first);
  SLUICE_SLOW_BUFFER(second);
  sluice_iocb before = write_of(fd(), first, 0);
  sluice_iocb sync = fsync_of(fd());
  sluice_iocb after = write_of(fd(), second, 4096);
  ASSERT_EQ(submit(before), 1);
  // The kernel lets one write of a file run at a time, and not always the one that was queued first.
  ASSERT_TRUE(first.wait_until_wanted());
  ASSERT_EQ(submit(sync), 1);
  ASSERT_EQ(submit(after), 1);
  EXPECT_FALSE(has_event());
  EXPECT_EQ(full_syncs(), syncs_before_);
  first.arrive();
  const auto events = collect(2);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].obj, &before);
  EXPECT_EQ(events[1].obj, &sync);
  EXPECT_EQ(events[1].res, 0);
  ASSERT_TRUE(second.wait_until_wanted());
  EXPECT_FALSE(has_event());
  second.arrive();
  EXPECT_EQ(collect_result(), 4096);
}

TEST_F(LibaioCover, Contract_P6_WriteQueuedAfterTheSubmitIsNotWaitedFor) {
  SLUICE_SLOW_BUFFER(slow);
  sluice_iocb sync = fsync_of(fd());
  sluice_iocb after = write_of(fd(), slow);
  ASSERT_EQ(submit(sync), 1);
  ASSERT_EQ(submit(after), 1);
  EXPECT_EQ(collect_result(), 0);
  EXPECT_FALSE(has_event());
  slow.arrive();
  EXPECT_EQ(collect_result(), 4096);
}

TEST_F(LibaioCover, Contract_P2_CoverIsTakenAtTheSubmitAndNotWhenPreparing) {
  SLUICE_SLOW_BUFFER(slow);
  sluice_iocb sync = fsync_of(fd());
  sluice_iocb write = write_of(fd(), slow);
  ASSERT_EQ(submit(write), 1);
  ASSERT_EQ(submit(sync), 1);
  ASSERT_TRUE(slow.wait_until_wanted());
  EXPECT_EQ(full_syncs(), syncs_before_);
  slow.arrive();
  const auto events = collect(2);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].obj, &write);
  EXPECT_EQ(events[1].obj, &sync);
}

TEST_F(LibaioCover, Contract_P3_SubmitReturnsWhileAWriteIsUnderWay) {
  SLUICE_SLOW_BUFFER(slow);
  sluice_iocb write = write_of(fd(), slow);
  ASSERT_EQ(submit(write), 1);
  ASSERT_TRUE(slow.wait_until_wanted());
  sluice_iocb sync = fsync_of(fd());
  EXPECT_EQ(submit(sync), 1);
  EXPECT_FALSE(has_event());
  slow.arrive();
  EXPECT_EQ(collect(2).size(), 2U);
}

TEST_F(LibaioCover, Contract_E1_WriteThroughAnotherContextAndOpenFileIsWaitedFor) {
  SLUICE_SLOW_BUFFER(slow);
  const SharedFd other_file = files().reopen();
  sluice_io_context_t other = nullptr;
  ASSERT_EQ(sluice_io_setup(1, &other), 0);
  sluice_iocb write = write_of(other_file->get(), slow);
  ASSERT_EQ(submit(write, other), 1);
  sluice_iocb sync = fsync_of(fd());
  ASSERT_EQ(submit(sync), 1);
  ASSERT_TRUE(slow.wait_until_wanted());
  EXPECT_FALSE(has_event());
  EXPECT_EQ(full_syncs(), syncs_before_);
  slow.arrive();
  EXPECT_EQ(collect_result(), 0);
  EXPECT_EQ(collect(1, other).size(), 1U);
  EXPECT_EQ(sluice_io_destroy(other), 0);
}

TEST_F(LibaioCover, Contract_E5_SyncOfAnotherFileIsNotHeldUp) {
  SLUICE_SLOW_BUFFER(slow);
  sluice_iocb write = write_of(fd(0), slow);
  sluice_iocb held = fsync_of(fd(0));
  sluice_iocb other = fsync_of(fd(1));
  sluice_iocb* blocks[] = {&write, &held, &other};
  ASSERT_EQ(sluice_io_submit(context(), 3, blocks), 3);
  const auto events = collect(1);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].obj, &other);
  slow.arrive();
  EXPECT_EQ(collect(2).size(), 2U);
}

// The second of two appends waits for the first, and fails; it is queued before the sync, and fails after it.
TEST_F(LibaioCover, Contract_P5_FailedWriteIsNotReportedAsCovered) {
  SLUICE_SLOW_BUFFER(slow);
  const UniqueFd appending(::open(files().path().c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  sluice_iocb first = write_of(appending.get(), slow);
  sluice_iocb bad;
  sluice_io_prep_pwrite(&bad, appending.get(), nullptr, 16, 0);
  sluice_iocb sync = fsync_of(fd());
  sluice_iocb* blocks[] = {&first, &bad, &sync};
  ASSERT_EQ(sluice_io_submit(context(), 3, blocks), 3);
  slow.arrive();
  const auto events = collect(3);
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[1].obj, &bad);
  EXPECT_EQ(events[1].res, -EFAULT);
  EXPECT_EQ(events[2].obj, &sync);
  EXPECT_EQ(events[2].res, -EFAULT);
  // It was that operation alone.
  ASSERT_EQ(submit(sync), 1);
  EXPECT_EQ(collect_result(), 0);
}

}  // namespace
}  // namespace sluice::testing
