#include <fcntl.h>
#include <libaio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <string>
#include <vector>

#include "contract_fixture.h"
#include "eventually.h"
#include "mount_block.h"
#include "mount_files.h"

// libaio's io_fsync, and what it has to do with requests before and after it, on a mounted directory.

namespace sluice::testing {
namespace {

struct Call {
  io_context_t context;
  const iocb* block;
  long res;
  long res2;
};

/// A block that knows how its callback was called: libaio keeps the callback where the data of a block is.
struct RecordedBlock : iocb {
  std::vector<Call> calls;
};

void record(io_context_t context, iocb* block, long res, long res2) {
  static_cast<RecordedBlock*>(block)->calls.push_back({context, block, res, res2});
}

using ContractCallback = ContractTest;

TEST_F(ContractCallback, Contract_F1_OneCallQueuesAndRegistersTheCallback) {
  const UniqueFd& fd = open_dirty("f");
  hold();
  RecordedBlock block;
  // The 1 is io_submit's.
  EXPECT_EQ(::io_fsync(libaio().get(), &block, record, fd.get()), 1);
  ASSERT_TRUE(holds(1));
  EXPECT_EQ(block.aio_lio_opcode, IO_CMD_FSYNC);
  EXPECT_TRUE(block.calls.empty());
}

TEST_F(ContractCallback, Contract_F1_ErrorIsReturnedBelowZero) {
  RecordedBlock block;
  EXPECT_EQ(::io_fsync(libaio().get(), &block, record, -1), -EBADF);
  EXPECT_EQ(::io_queue_run(libaio().get()), 0);
  EXPECT_TRUE(block.calls.empty());
}

TEST_F(ContractCallback, Contract_F2_CallbackGetsContextBlockAndResultsWhenTheFileIsSynced) {
  const UniqueFd& fd = open_dirty("f");
  hold();
  RecordedBlock block;
  ASSERT_EQ(::io_fsync(libaio().get(), &block, record, fd.get()), 1);
  ASSERT_TRUE(holds(1));
  EXPECT_EQ(::io_queue_run(libaio().get()), 0);
  EXPECT_TRUE(block.calls.empty());
  answer_nth(0, SyncAnswer::success());
  ASSERT_TRUE(eventually([&] { return ::io_queue_run(libaio().get()) == 0 && !block.calls.empty(); }));
  ASSERT_EQ(block.calls.size(), 1U);
  EXPECT_EQ(block.calls[0].context, libaio().get());
  EXPECT_EQ(block.calls[0].block, &block);
  EXPECT_EQ(block.calls[0].res, 0);
  EXPECT_EQ(block.calls[0].res2, 0);
}

/// The kernel orders nothing; what orders them is that the mount's writes end in io_submit(2).
class ContractQueuedWrite : public ContractTest, public ::testing::WithParamInterface<int> {};

TEST_P(ContractQueuedWrite, Contract_F2_WriteSubmittedBeforeTheSyncHasEndedWhenItBegins) {
  const UniqueFd& fd = open_durable("f", GetParam());
  const Block content('y');
  iocb write = write_block(fd.get(), content);
  iocb sync = sync_block(fd.get());
  std::array<iocb*, 2> batch{&write, &sync};
  hold();
  ASSERT_EQ(::io_submit(libaio().get(), 2, batch.data()), 2);
  ASSERT_TRUE(holds(1));
  EXPECT_EQ(testing::content(source("f")), std::string(kBlock, 'y'));
  const std::optional<io_event> first = libaio().next();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->obj, &write);
  EXPECT_EQ(first->res, kBlock);
  release();
  EXPECT_EQ(libaio().result(), 0);
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(::fsync(fd.get()), 0); }), kElided);
}

TEST_P(ContractQueuedWrite, Contract_F2_WriteWhoseEndWasSeenIsCovered) {
  const UniqueFd& fd = open_durable("f", GetParam());
  const Block content('y');
  iocb write = write_block(fd.get(), content);
  ASSERT_EQ(libaio().submit(write), 1);
  ASSERT_EQ(libaio().result(), static_cast<long>(kBlock));
  iocb sync = data_sync_block(fd.get());
  EXPECT_EQ(counts_of([&] {
              ASSERT_EQ(libaio().submit(sync), 1);
              EXPECT_EQ(libaio().result(), 0);
            }),
            kOneSync);
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(::fdatasync(fd.get()), 0); }), kElided);
}

INSTANTIATE_TEST_SUITE_P(Cache, ContractQueuedWrite, ::testing::Values(0, O_DIRECT),
                         [](const auto& flags) { return flags.param == 0 ? "buffered" : "direct"; });

TEST_F(ContractCallback, Contract_F3_SyncDoesNotWaitForALaterRequest) {
  const UniqueFd& fd = open_dirty("f");
  const Block content('y');
  hold();
  iocb sync = sync_block(fd.get());
  ASSERT_EQ(libaio().submit(sync), 1);
  ASSERT_TRUE(holds(1));
  iocb write = write_block(fd.get(), content);
  LibaioContext other;
  start([&] { return other.submit(write) == 1 ? 0 : EIO; });
  answer_nth(0, SyncAnswer::success());
  EXPECT_EQ(libaio().result(), 0);
  EXPECT_EQ(other.result(), static_cast<long>(kBlock));
}

TEST_F(ContractCallback, Contract_F3_LaterReadIsNotDelayedBySync) {
  const UniqueFd& fd = open_dirty("f");
  const Block content('.');
  hold();
  iocb sync = sync_block(fd.get());
  ASSERT_EQ(libaio().submit(sync), 1);
  ASSERT_TRUE(holds(1));
  iocb read;
  ::io_prep_pread(&read, fd.get(), content.get(), kBlock, 0);
  ASSERT_EQ(libaio().submit(read), 1);
  const std::optional<io_event> event = libaio().next();
  ASSERT_TRUE(event);
  EXPECT_EQ(event->obj, &read);
  EXPECT_EQ(content.get()[0], 'x');
}

}  // namespace
}  // namespace sluice::testing
