#include <fcntl.h>
#include <libaio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <vector>

#include "contract_fixture.h"
#include "mount_files.h"

// The errors of a sync by libaio, and the companions of io_fsync, on a mounted directory.

namespace sluice::testing {
namespace {

using ContractContext = ContractTest;

// ---- Errors ----

TEST_F(ContractContext, Contract_F4_BlockOutsideTheAddressSpaceIsEfault) {
  std::array<iocb*, 1> batch{reinterpret_cast<iocb*>(8)};
  EXPECT_EQ(::io_submit(libaio().get(), 1, batch.data()), -EFAULT);
}

TEST_F(ContractContext, Contract_F4_ContextThatWasNotSetUpIsEinval) {
  const UniqueFd& fd = open_dirty("f");
  iocb block = sync_block(fd.get());
  iocb* blocks = &block;
  EXPECT_EQ(::syscall(SYS_io_submit, 0, 1, &blocks), -1);
  EXPECT_EQ(errno, EINVAL);
}

TEST_F(ContractContext, Contract_F4_BlockWithABufferIsEinval) {
  const UniqueFd& fd = open_dirty("f");
  iocb block = sync_block(fd.get());
  block.u.c.nbytes = 1;
  EXPECT_EQ(libaio().submit(block), -EINVAL);
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(::fsync(fd.get()), 0); }), kOneSync);
}

TEST_F(ContractContext, Contract_F4_ClosedDescriptorIsEbadf) {
  UniqueFd& fd = open_dirty("f");
  iocb block = sync_block(fd.get());
  fd.reset();
  EXPECT_EQ(libaio().submit(block), -EBADF);
}

TEST_F(ContractContext, Contract_F4_PipeOfTheMountIsEinval) {
  ASSERT_EQ(::mkfifo(at("pipe").c_str(), 0644), 0);
  const UniqueFd fd = open_file(at("pipe"), O_RDWR);
  iocb block = sync_block(fd.get());
  EXPECT_EQ(libaio().submit(block), -EINVAL);
}

TEST_F(ContractContext, Contract_L6_LibaioTakesADescriptorForReading) {
  make_file(at("f"), "x");
  const UniqueFd fd = open_file(at("f"), O_RDONLY);
  iocb block = sync_block(fd.get());
  EXPECT_EQ(counts_of([&] {
              ASSERT_EQ(libaio().submit(block), 1);
              EXPECT_EQ(libaio().result(), 0);
            }),
            kOneSync);
}

TEST_F(ContractContext, Contract_B5_UnknownOperationIsEinval) {
  const UniqueFd& fd = open_dirty("f");
  iocb block = sync_block(fd.get());
  block.aio_lio_opcode = 77;
  EXPECT_EQ(libaio().submit(block), -EINVAL);
}

TEST_F(ContractContext, Contract_L5_FullContextIsEagainAndQueuesNothing) {
  const UniqueFd& fd = open_dirty("f");
  constexpr std::size_t kMoreThanItTakes = 1000;
  std::vector<iocb> blocks(kMoreThanItTakes, sync_block(fd.get()));
  hold();
  std::size_t queued = 0;
  int refused = 1;
  while (queued < blocks.size() && (refused = libaio().submit(blocks[queued])) == 1) ++queued;
  EXPECT_EQ(refused, -EAGAIN);
  ASSERT_TRUE(holds(1));
  release();
  for (std::size_t i = 0; i < queued; ++i) EXPECT_EQ(libaio().result(), 0);
  EXPECT_FALSE(libaio().next(0));
}

// ---- Companions ----

TEST_F(ContractContext, Contract_F5_BatchSaysHowManyWereQueued) {
  const UniqueFd& one = open_dirty("one");
  const UniqueFd& two = open_dirty("two");
  iocb first = sync_block(one.get());
  iocb second = sync_block(two.get());
  iocb bad = sync_block(-1);
  std::array<iocb*, 4> batch{&first, &second, &bad, &first};
  EXPECT_EQ(::io_submit(libaio().get(), 4, batch.data()), 2);
  std::array<io_event, 4> events{};
  const timespec patience{.tv_sec = 20, .tv_nsec = 0};
  EXPECT_EQ(libaio().get_events(2, 4, events.data(), patience), 2);
}

TEST_F(ContractContext, Contract_F5_GetEventsGivesUpWhenItsTimeIsOver) {
  const UniqueFd& fd = open_dirty("f");
  hold();
  iocb block = sync_block(fd.get());
  ASSERT_EQ(libaio().submit(block), 1);
  ASSERT_TRUE(holds(1));
  io_event event{};
  const timespec soon{.tv_sec = 0, .tv_nsec = 1'000'000};
  EXPECT_EQ(libaio().get_events(1, 1, &event, soon), 0);
}

TEST_F(ContractContext, Contract_F5_SyncThatRunsIsNotCancelledAndEnds) {
  const UniqueFd& fd = open_dirty("f");
  hold();
  iocb block = sync_block(fd.get());
  ASSERT_EQ(libaio().submit(block), 1);
  ASSERT_TRUE(holds(1));
  io_event event{};
  EXPECT_LT(::io_cancel(libaio().get(), &block, &event), 0);
  release();
  EXPECT_EQ(libaio().result(), 0);
}

TEST_F(ContractContext, Contract_F5_DestroyedContextTakesNoMore) {
  const UniqueFd& fd = open_dirty("f");
  iocb block = sync_block(fd.get());
  iocb* blocks = &block;
  io_context_t context = nullptr;
  ASSERT_EQ(::io_setup(1, &context), 0);
  ASSERT_EQ(::io_destroy(context), 0);
  EXPECT_EQ(::io_submit(context, 1, &blocks), -EINVAL);
}

}  // namespace
}  // namespace sluice::testing
