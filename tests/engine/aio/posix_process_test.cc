#include <aio.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <thread>
#include <vector>

#include "aio/process_aio.h"
#include "posix_harness.h"
#include "sanitizer_limits.h"
#include "slow_buffer.h"
#include "syscall_filter.h"

// What belongs to a process: its options, its limits, its children.

namespace sluice::testing {
namespace {

/// sluice_aio_options with what is not named left at the default.
struct Options {
  std::size_t max_requests = 0;
  unsigned max_syncs = 0;
  unsigned max_transfers = 0;
  sluice_aio_backend backend = SLUICE_AIO_AUTO;
  int use_priority = 0;
};

int init_with(const Options& wanted) {
  const sluice_aio_options options{.max_requests = wanted.max_requests,
                                   .max_syncs = wanted.max_syncs,
                                   .max_transfers = wanted.max_transfers,
                                   .backend = wanted.backend,
                                   .use_priority = wanted.use_priority};
  return errno_of(sluice_aio_init(&options));
}

int sync_now(int fd) {
  Block block(sync_block(fd));
  if (sluice_aio_fsync(O_SYNC, &block) != 0) return errno;
  const int status = status_when_done(block);
  sluice_aio_return(&block);
  return status;
}

TEST(PosixProcess, OptionsCanBeGivenUntilTheFirstRequest) {
  in_child([] {
    const TempFiles files;
    EXPECT_EQ(init_with({}), 0);
    EXPECT_EQ(
        init_with({.max_requests = 10, .max_syncs = 2, .max_transfers = 2, .backend = SLUICE_AIO_THREADS}),
        0);
    EXPECT_EQ(sync_now(files.fd()), 0);
    EXPECT_EQ(process_aio().value()->backend_name(), "threads");
    EXPECT_EQ(init_with({}), EBUSY);
  });
}

TEST(PosixProcess, OptionsOutOfRangeAreRefused) {
  in_child([] {
    EXPECT_EQ(init_with({.max_syncs = 4097}), EINVAL);
    EXPECT_EQ(init_with({.max_transfers = 4097}), EINVAL);
    EXPECT_EQ(init_with({.backend = static_cast<sluice_aio_backend>(3)}), EINVAL);
    EXPECT_EQ(errno_of(sluice_aio_init(nullptr)), EINVAL);
    EXPECT_EQ(errno_of(sluice_aio_init(reinterpret_cast<sluice_aio_options*>(16))), EFAULT);
  });
}

TEST(PosixProcess, Contract_L8_IoUringDemandedAndForbiddenIsEnosys) {
  in_child([] {
    const TempFiles files;
    ASSERT_EQ(init_with({.backend = SLUICE_AIO_IO_URING}), 0);
    ASSERT_TRUE(run_without_syscalls({SYS_io_uring_setup}, EPERM, [&] {
      EXPECT_EQ(sync_now(files.fd()), ENOSYS);
    })) << "seccomp is not to be had here";
  });
}

TEST(PosixProcess, Contract_L8_ThreadsTakeOverWhereIoUringIsForbidden) {
  in_child([] {
    const TempFiles files;
    ASSERT_TRUE(run_without_syscalls({SYS_io_uring_setup}, ENOSYS, [&] {
      EXPECT_EQ(sync_now(files.fd()), 0);
    })) << "seccomp is not to be had here";
    EXPECT_EQ(process_aio().value()->backend_name(), "threads");
  });
}

// ---- Limits ----

TEST(PosixProcess, Contract_E6_FinishedBlocksThatNobodyCollectsFillTheQueue) {
  in_child([] {
    ASSERT_EQ(init_with({.max_requests = 2}), 0);
    const TempFiles files;
    std::array<Block, 3> blocks;
    for (Block& block : blocks) block.aio_fildes = files.fd();
    for (int i : {0, 1}) {
      ASSERT_EQ(sluice_aio_fsync(O_SYNC, &blocks[static_cast<std::size_t>(i)]), 0);
      ASSERT_EQ(status_when_done(blocks[static_cast<std::size_t>(i)]), 0);
    }
    EXPECT_EQ(errno_of(sluice_aio_fsync(O_SYNC, &blocks[2])), EAGAIN);
    ASSERT_EQ(sluice_aio_return(&blocks[0]), 0);
    EXPECT_EQ(sluice_aio_fsync(O_SYNC, &blocks[2]), 0);
    EXPECT_EQ(status_when_done(blocks[2]), 0);
  });
}

TEST(PosixProcess, Contract_L5_FullQueueIsEagainAndLeavesNothingQueued) {
  if (const auto tried = SlowBuffer::create(); !tried) {
    GTEST_SKIP() << "userfaultfd is not to be had here: " << tried.error().message();
  }
  in_child([] {
    const auto slow = SlowBuffer::create();
    ASSERT_TRUE(slow);
    ASSERT_EQ(init_with({.max_requests = 1}), 0);
    const TempFiles files;
    Block write(sync_block(files.fd()));
    write.aio_buf = const_cast<std::byte*>((*slow)->bytes().data());
    write.aio_nbytes = 1;
    ASSERT_EQ(sluice_aio_write(&write), 0);
    Block sync(sync_block(files.fd()));
    EXPECT_EQ(errno_of(sluice_aio_fsync(O_SYNC, &sync)), EAGAIN);
    EXPECT_EQ(errno_of(sluice_aio_return(&sync)), EINVAL);
    sluice_aiocb* const blocks[] = {&sync};
    sync.aio_lio_opcode = LIO_WRITE;
    EXPECT_EQ(errno_of(sluice_lio_listio(LIO_NOWAIT, blocks, 1, nullptr)), EAGAIN);
    (*slow)->arrive();
    EXPECT_EQ(status_when_done(write), 0);
    sluice_aio_return(&write);
    EXPECT_EQ(sync_now(files.fd()), 0);
  });
}

TEST(PosixProcess, Contract_L5_NoDescriptorLeftIsEagain) {
  SLUICE_SKIP_IF_CHECKS_NEED_DESCRIPTORS();
  in_child([] {
    const TempFiles files;
    ASSERT_EQ(sync_now(files.fd()), 0);
    const UniqueFd next(::fcntl(files.fd(), F_DUPFD_CLOEXEC, 3));
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = static_cast<rlim_t>(next.get()) + 1;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    while (::fcntl(files.fd(), F_DUPFD_CLOEXEC, 3) >= 0) {
    }
    EXPECT_EQ(sync_now(files.fd()), EAGAIN);
  });
}

// ---- Priority ----

TEST(PosixProcess, Contract_B2_PriorityOfASyncIsReadWhenAskedFor) {
  in_child([] {
    ASSERT_EQ(init_with({.use_priority = 1}), 0);
    const TempFiles files;
    Block block(sync_block(files.fd()));
    block.aio_reqprio = 21;
    EXPECT_EQ(errno_of(sluice_aio_fsync(O_SYNC, &block)), EINVAL);
    block.aio_reqprio = 20;
    EXPECT_EQ(sluice_aio_fsync(O_SYNC, &block), 0);
    EXPECT_EQ(status_when_done(block), 0);
  });
}

TEST(PosixProcess, Contract_B2_HigherPriorityOvertakesWhatWaits) {
  if (const auto tried = SlowBuffer::create(); !tried) {
    GTEST_SKIP() << "userfaultfd is not to be had here: " << tried.error().message();
  }
  in_child([] {
    const auto slow = SlowBuffer::create();
    ASSERT_TRUE(slow);
    ASSERT_EQ(init_with({.max_transfers = 1, .backend = SLUICE_AIO_THREADS, .use_priority = 1}), 0);
    const TempFiles files(2);
    Block first(sync_block(files.fd(1)));
    first.aio_buf = const_cast<std::byte*>((*slow)->bytes().data());
    first.aio_nbytes = 1;
    ASSERT_EQ(sluice_aio_write(&first), 0);
    ASSERT_TRUE((*slow)->wait_until_wanted());
    // Both wait for the one thread, and write to one place: what was started last is what stays.
    const std::string early = "low";
    const std::string late = "top";
    Block low(write_block(files.fd(), early));
    low.aio_reqprio = 10;
    Block top(write_block(files.fd(), late));
    ASSERT_EQ(sluice_aio_write(&low), 0);
    ASSERT_EQ(sluice_aio_write(&top), 0);
    (*slow)->arrive();
    EXPECT_EQ(status_when_done(low), 0);
    EXPECT_EQ(status_when_done(top), 0);
    std::string content(3, '.');
    EXPECT_EQ(::pread(files.fd(), content.data(), 3, 0), 3);
    EXPECT_EQ(content, "low");
  });
}

// ---- fork(2) ----

TEST(PosixFork, ChildHasNoneOfItsParentsRequestsAndItsOwnAreServed) {
  SLUICE_SKIP_IF_CHILD_MAY_HAVE_NO_THREADS();
  const TempFiles files;
  const auto slow = SlowBuffer::create();
  if (!slow) GTEST_SKIP() << "userfaultfd is not to be had here: " << slow.error().message();
  Block write(sync_block(files.fd()));
  write.aio_buf = const_cast<std::byte*>((*slow)->bytes().data());
  write.aio_nbytes = 1;
  ASSERT_EQ(sluice_aio_write(&write), 0);
  ASSERT_TRUE((*slow)->wait_until_wanted());
  in_child([&] {
    EXPECT_EQ(sluice_aio_error(&write), ECANCELED);
    EXPECT_EQ(sluice_aio_cancel(files.fd(), &write), AIO_ALLDONE);
    EXPECT_EQ(errno_of(sluice_aio_return(&write)), ECANCELED);
    EXPECT_EQ(sync_now(files.fd()), 0);
  });
  EXPECT_EQ(sluice_aio_error(&write), EINPROGRESS);
  (*slow)->arrive();
  EXPECT_EQ(status_when_done(write), 0);
  EXPECT_EQ(sluice_aio_return(&write), 1);
}

TEST(PosixFork, BlockInSharedMemoryIsLeftToTheParent) {
  const auto slow = SlowBuffer::create();
  if (!slow) GTEST_SKIP() << "userfaultfd is not to be had here: " << slow.error().message();
  const TempFiles files;
  void* const memory =
      ::mmap(nullptr, sizeof(sluice_aiocb), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  auto* const write = new (memory) sluice_aiocb(sync_block(files.fd()));
  write->aio_buf = const_cast<std::byte*>((*slow)->bytes().data());
  write->aio_nbytes = 1;
  ASSERT_EQ(sluice_aio_write(write), 0);
  ASSERT_TRUE((*slow)->wait_until_wanted());
  in_child([] {});
  EXPECT_EQ(sluice_aio_error(write), EINPROGRESS);
  (*slow)->arrive();
  EXPECT_EQ(status_when_done(*write), 0);
  EXPECT_EQ(sluice_aio_return(write), 1);
  ::munmap(memory, sizeof(sluice_aiocb));
}

TEST(PosixFork, ContextOfAChildIsAnother) {
  SLUICE_SKIP_IF_CHILD_MAY_HAVE_NO_THREADS();
  const TempFiles files;
  ASSERT_EQ(sync_now(files.fd()), 0);
  const AioContext* const context = process_aio().value();
  in_child([&] { EXPECT_NE(process_aio().value(), context); });
  EXPECT_EQ(process_aio().value(), context);
}

TEST(PosixFork, ForksWhileThreadsQueueDisturbNobody) {
  SLUICE_SKIP_IF_CHILD_MAY_HAVE_NO_THREADS();
  const TempFiles files;
  std::atomic<bool> end{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      while (!end) EXPECT_EQ(sync_now(files.fd()), 0);
    });
  }
  for (int i = 0; i < 20; ++i) {
    in_child([&] { EXPECT_EQ(sync_now(files.fd()), 0); });
  }
  end = true;
  for (std::thread& thread : threads) thread.join();
}

TEST(PosixProcess, Contract_S7_ManyThreadsShareItSafely) {
  const TempFiles files;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      const std::string text(10, static_cast<char>('a' + i));
      for (int round = 0; round < 50; ++round) {
        Block write(write_block(files.fd(), text, 10L * i));
        EXPECT_EQ(sluice_aio_write(&write), 0);
        Block sync(sync_block(files.fd()));
        EXPECT_EQ(sluice_aio_fsync(O_DSYNC, &sync), 0);
        EXPECT_EQ(status_when_done(sync), 0);
        EXPECT_EQ(sluice_aio_return(&sync), 0);
        EXPECT_EQ(sluice_aio_error(&write), 0);
        EXPECT_EQ(sluice_aio_return(&write), 10);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace sluice::testing
