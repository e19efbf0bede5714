#include <aio.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "contract_fixture.h"
#include "mount_files.h"

// What a program gets from glibc's aio_fsync on a mounted directory. glibc does the requests of a descriptor
// one after another in a thread of the program, by fsync(2) and fdatasync(2).

namespace sluice::testing {
namespace {

using ContractGlibc = ContractTest;

/// What a call of glibc's says: 0, or errno.
int queue_sync(int operation, aiocb& block) {
  return error_of(::aio_fsync(operation, &block));
}

// ---- The sync ----

TEST_F(ContractGlibc, Contract_L1_OSyncIsAFullSync) {
  const UniqueFd& fd = open_dirty("f");
  hold();
  ASSERT_EQ(queue_sync(O_SYNC, block(fd.get())), 0);
  ASSERT_TRUE(holds(1));
  EXPECT_EQ(kind_of(0), SyncKind::full);
}

TEST_F(ContractGlibc, Contract_L1_ODsyncIsADataSync) {
  const UniqueFd& fd = open_dirty("f");
  hold();
  ASSERT_EQ(queue_sync(O_DSYNC, block(fd.get())), 0);
  ASSERT_TRUE(holds(1));
  EXPECT_EQ(kind_of(0), SyncKind::data);
}

TEST_F(ContractGlibc, Contract_L2_CallReturnsWhileTheDeviceIsBusy) {
  const UniqueFd& fd = open_dirty("f");
  hold();
  aiocb& sync = block(fd.get());
  ASSERT_EQ(queue_sync(O_SYNC, sync), 0);
  ASSERT_TRUE(holds(1));
  EXPECT_EQ(::aio_error(&sync), EINPROGRESS);
}

TEST_F(ContractGlibc, Contract_L3_OtherFieldsAreIgnored) {
  const UniqueFd& fd = open_dirty("f");
  aiocb& sync = block(fd.get());
  sync.aio_buf = &sync;
  sync.aio_nbytes = ~std::size_t{0};
  sync.aio_offset = -1;
  sync.aio_reqprio = -1;
  sync.aio_lio_opcode = 77;
  EXPECT_EQ(counts_of([&] {
              ASSERT_EQ(queue_sync(O_SYNC, sync), 0);
              EXPECT_EQ(outcome_of(sync), 0);
            }),
            kOneSync);
}

TEST_F(ContractGlibc, Contract_L4_CallIs0WhenQueuedAndMinus1WithErrnoOtherwise) {
  const UniqueFd& fd = open_dirty("f");
  EXPECT_EQ(::aio_fsync(O_SYNC, &block(fd.get())), 0);
  errno = 0;
  EXPECT_EQ(::aio_fsync(O_RDWR, &block(fd.get())), -1);
  EXPECT_EQ(errno, EINVAL);
}

TEST_F(ContractGlibc, Contract_S1_WriteQueuedBeforeTheSyncIsCovered) {
  const UniqueFd& fd = open_durable("f");
  std::string text(100'000, 'y');
  aiocb& write = block(fd.get());
  write.aio_buf = text.data();
  write.aio_nbytes = text.size();
  hold();
  ASSERT_EQ(::aio_write(&write), 0);
  ASSERT_EQ(queue_sync(O_DSYNC, block(fd.get())), 0);
  ASSERT_TRUE(holds(1));
  EXPECT_EQ(::aio_error(&write), 0);
  EXPECT_EQ(content(source("f")), text);
}

TEST_F(ContractGlibc, Contract_S2_StatusIsInProgressAndThenSuccess) {
  const UniqueFd& fd = open_dirty("f");
  hold();
  aiocb& sync = block(fd.get());
  ASSERT_EQ(queue_sync(O_SYNC, sync), 0);
  ASSERT_TRUE(holds(1));
  EXPECT_EQ(::aio_error(&sync), EINPROGRESS);
  answer_nth(0, SyncAnswer::success());
  EXPECT_EQ(outcome_of(sync), 0);
  EXPECT_EQ(::aio_return(&sync), 0);
}

TEST_F(ContractGlibc, Contract_S2_StatusIsInProgressAndThenTheError) {
  const UniqueFd& fd = open_dirty("f");
  hold();
  aiocb& sync = block(fd.get());
  ASSERT_EQ(queue_sync(O_SYNC, sync), 0);
  ASSERT_TRUE(holds(1));
  EXPECT_EQ(::aio_error(&sync), EINPROGRESS);
  answer_nth(0, SyncAnswer::failure(ENOSPC));
  EXPECT_EQ(outcome_of(sync), ENOSPC);
  EXPECT_EQ(::aio_return(&sync), -1);
}

TEST_F(ContractGlibc, Contract_B1_CallReturnsWhetherTheSyncIsDoneOrNot) {
  const UniqueFd& dirty = open_dirty("dirty");
  const UniqueFd& durable = open_durable("durable");
  hold();
  aiocb& slow = block(dirty.get());
  aiocb& quick = block(durable.get());
  ASSERT_EQ(queue_sync(O_SYNC, slow), 0);
  ASSERT_EQ(queue_sync(O_SYNC, quick), 0);
  EXPECT_EQ(outcome_of(quick), 0);
  EXPECT_EQ(::aio_error(&slow), EINPROGRESS);
}

TEST_F(ContractGlibc, Contract_S6_WriteBeyond4GiBIsCovered) {
  constexpr off64_t kFar = off64_t{5} << 30U;
  const UniqueFd& fd = open_durable("f");
  char byte = 'y';
  aiocb& write = block(fd.get());
  write.aio_buf = &byte;
  write.aio_nbytes = 1;
  write.aio_offset = kFar;
  aiocb& sync = block(fd.get());
  EXPECT_EQ(counts_of([&] {
              ASSERT_EQ(::aio_write(&write), 0);
              ASSERT_EQ(queue_sync(O_SYNC, sync), 0);
              EXPECT_EQ(outcome_of(sync), 0);
            }),
            kOneSync);
  EXPECT_EQ(status(source("f")).st_size, kFar + 1);
}

TEST_F(ContractGlibc, Contract_S7_EveryThreadMaySync) {
  constexpr std::size_t kThreads = kPlaces;
  std::vector<aiocb*> syncs;
  for (std::size_t i = 0; i < kThreads; ++i) syncs.push_back(&block(open_dirty(std::to_string(i)).get()));
  hold();
  for (aiocb* sync : syncs) start([sync] { return queue_sync(O_SYNC, *sync); });
  ASSERT_TRUE(holds(kThreads));
  for (const aiocb* sync : syncs) EXPECT_EQ(::aio_error(sync), EINPROGRESS);
  release();
  for (const aiocb* sync : syncs) EXPECT_EQ(outcome_of(*sync), 0);
}

// ---- Errors ----

TEST_F(ContractGlibc, Contract_L6_ClosedDescriptorIsEbadf) {
  UniqueFd& fd = open_dirty("f");
  aiocb& sync = block(fd.get());
  fd.reset();
  EXPECT_EQ(queue_sync(O_SYNC, sync), EBADF);
}

/// Against its page: glibc 2.36 asks for an open descriptor only.
TEST_F(ContractGlibc, Contract_L6_GlibcTakesADescriptorForReading) {
  make_file(at("f"), "x");
  const UniqueFd file = open_file(at("f"), O_RDONLY);
  const UniqueFd directory = open_file(at("."), O_RDONLY | O_DIRECTORY);
  for (const int fd : {file.get(), directory.get()}) {
    aiocb& sync = block(fd);
    EXPECT_EQ(counts_of([&] {
                ASSERT_EQ(queue_sync(O_SYNC, sync), 0);
                EXPECT_EQ(outcome_of(sync), 0);
              }),
              kOneSync);
  }
}

TEST_F(ContractGlibc, Contract_B3_RefusedSyncReachesNobody) {
  UniqueFd& closed = open_dirty("f");
  const UniqueFd fd = open_file(at("f"), O_RDWR);
  aiocb& sync = block(closed.get());
  closed.reset();
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(queue_sync(O_SYNC, sync), EBADF); }), SyncCounts{});
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(::fsync(fd.get()), 0); }), kOneSync);
}

TEST_F(ContractGlibc, Contract_L7_OperationThatIsNoSyncIsEinval) {
  const UniqueFd& fd = open_dirty("f");
  for (const int operation : {0, O_RDWR, -1}) EXPECT_EQ(queue_sync(operation, block(fd.get())), EINVAL);
}

TEST_F(ContractGlibc, Contract_B5_OperationThatIsNoSyncIsEinval) {
  const UniqueFd& fd = open_dirty("f");
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(queue_sync(O_APPEND, block(fd.get())), EINVAL); }), SyncCounts{});
}

TEST_F(ContractGlibc, Contract_L7_PipeOfTheMountIsEinval) {
  ASSERT_EQ(::mkfifo(at("pipe").c_str(), 0644), 0);
  const UniqueFd fd = open_file(at("pipe"), O_RDWR);
  aiocb& sync = block(fd.get());
  ASSERT_EQ(queue_sync(O_SYNC, sync), 0);
  EXPECT_EQ(outcome_of(sync), EINVAL);
}

TEST_F(ContractGlibc, Contract_B6_ErrorThatComesLaterIsTheStatus) {
  ASSERT_EQ(::mkfifo(at("pipe").c_str(), 0644), 0);
  const UniqueFd fd = open_file(at("pipe"), O_RDWR);
  aiocb& sync = block(fd.get());
  ASSERT_EQ(queue_sync(O_DSYNC, sync), 0);
  EXPECT_EQ(outcome_of(sync), EINVAL);
  EXPECT_EQ(::aio_return(&sync), -1);
}

TEST_F(ContractGlibc, Contract_B7_FaultOfTheDeviceIsTheStatus) {
  const UniqueFd& fd = open_dirty("f");
  fail_with(EIO);
  aiocb& sync = block(fd.get());
  ASSERT_EQ(queue_sync(O_SYNC, sync), 0);
  EXPECT_EQ(outcome_of(sync), EIO);
}

/// glibc tells of a failed write only where it was queued: what the mount does not see, it does not hold
/// against a sync.
TEST_F(ContractGlibc, Contract_S4_FailedWriteIsToldOnceAndPoisonsNothing) {
  const UniqueFd& fd = open_dirty("f");
  aiocb& write = block(fd.get());
  write.aio_buf = nullptr;
  write.aio_nbytes = 1;
  aiocb& sync = block(fd.get());
  ASSERT_EQ(::aio_write(&write), 0);
  ASSERT_EQ(queue_sync(O_SYNC, sync), 0);
  EXPECT_EQ(outcome_of(write), EFAULT);
  EXPECT_EQ(outcome_of(sync), 0);
}

}  // namespace
}  // namespace sluice::testing
