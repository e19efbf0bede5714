#include <fcntl.h>
#include <libaio.h>
#include <unistd.h>

#include <cerrno>

#include "contract_fixture.h"
#include "mount_block.h"
#include "mount_files.h"

// What a program gets from libaio on a mounted directory. The kernel does its FSYNC on a worker of its own
// (aio_fsync in fs/aio.c) and a write to this mount before io_submit(2) returns.

namespace sluice::testing {
namespace {

using ContractLibaio = ContractTest;

// ---- io_prep_fsync ----

TEST_F(ContractLibaio, Contract_P1_PreparingABlockAsksTheMountForNothing) {
  const UniqueFd& fd = open_dirty("f");
  EXPECT_EQ(counts_of([&] {
              const iocb full = sync_block(fd.get());
              EXPECT_EQ(full.aio_fildes, static_cast<unsigned>(fd.get()));
              EXPECT_EQ(full.aio_lio_opcode, IO_CMD_FSYNC);
              EXPECT_EQ(sync_block(-1).aio_lio_opcode, IO_CMD_FSYNC);
            }),
            SyncCounts{});
}

TEST_F(ContractLibaio, Contract_P2_WriteBetweenPrepareAndSubmitIsCovered) {
  const UniqueFd& fd = open_durable("f");
  iocb block = sync_block(fd.get());
  ASSERT_EQ(::pwrite(fd.get(), "y", 1, 0), 1);
  EXPECT_EQ(counts_of([&] {
              ASSERT_EQ(libaio().submit(block), 1);
              EXPECT_EQ(libaio().result(), 0);
            }),
            kOneSync);
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(::fsync(fd.get()), 0); }), kElided);
}

TEST_F(ContractLibaio, Contract_P3_SubmitReturnsWhileTheDeviceIsBusy) {
  const UniqueFd& fd = open_dirty("f");
  hold();
  iocb block = sync_block(fd.get());
  ASSERT_EQ(libaio().submit(block), 1);
  ASSERT_TRUE(holds(1));
  EXPECT_FALSE(libaio().next(0));
  release();
  EXPECT_EQ(libaio().result(), 0);
}

TEST_F(ContractLibaio, Contract_P4_FsyncIsAFullSync) {
  const UniqueFd& fd = open_dirty("f");
  hold();
  iocb block = sync_block(fd.get());
  ASSERT_EQ(libaio().submit(block), 1);
  ASSERT_TRUE(holds(1));
  EXPECT_EQ(kind_of(0), SyncKind::full);
}

TEST_F(ContractLibaio, Contract_P4_FdsyncIsADataSync) {
  const UniqueFd& fd = open_dirty("f");
  hold();
  iocb block = data_sync_block(fd.get());
  ASSERT_EQ(libaio().submit(block), 1);
  ASSERT_TRUE(holds(1));
  EXPECT_EQ(kind_of(0), SyncKind::data);
}

TEST_F(ContractLibaio, Contract_P5_FailureIsTheResultAndNothingIsCovered) {
  const UniqueFd& fd = open_dirty("f");
  hold();
  iocb block = sync_block(fd.get());
  ASSERT_EQ(libaio().submit(block), 1);
  ASSERT_TRUE(holds(1));
  answer_nth(0, SyncAnswer::failure(EIO));
  EXPECT_EQ(libaio().result(), -EIO);
  EXPECT_EQ(error_of(::fsync(fd.get())), EIO);
}

TEST_F(ContractLibaio, Contract_P6_WriteSubmittedAfterTheSyncIsNotClaimed) {
  const UniqueFd& fd = open_dirty("f");
  const Block content('y');
  hold();
  iocb sync = sync_block(fd.get());
  iocb write = write_block(fd.get(), content);
  ASSERT_EQ(libaio().submit(sync), 1);
  ASSERT_TRUE(holds(1));
  // In a thread of its own: the kernel keeps writers of an inode that is being synced waiting.
  std::future<int>& writer = start([&] { return libaio().submit(write) == 1 ? 0 : EIO; });
  answer_nth(0, SyncAnswer::success());
  EXPECT_EQ(result_of(writer), 0);
  release();
  EXPECT_GE(libaio().result(), 0);
  EXPECT_GE(libaio().result(), 0);
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(::fsync(fd.get()), 0); }), kOneSync);
}

/// The kernel copies a block when it is submitted.
TEST_F(ContractLibaio, Contract_P7_SecondUseOfABlockLeavesTheFirstWhole) {
  const UniqueFd& fd = open_dirty("f");
  hold();
  iocb block = sync_block(fd.get());
  ASSERT_EQ(libaio().submit(block), 1);
  ASSERT_TRUE(holds(1));
  ASSERT_EQ(libaio().submit(block), 1);
  release();
  for (int i = 0; i < 2; ++i) EXPECT_EQ(libaio().result(), 0);
  EXPECT_FALSE(libaio().next(0));
}

}  // namespace
}  // namespace sluice::testing
