#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <thread>

#include "aio/process_aio.h"
#include "libaio_fixture.h"
#include "sluice/sync_engine.h"

// Preparing and queueing blocks of the libaio shape: what is taken, and every reason for which it is not.

namespace sluice::testing {
namespace {

using LibaioSubmit = LibaioFixture;

/// A page that nobody may read.
class UnreadablePage {
 public:
  UnreadablePage() : address_(::mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {}
  ~UnreadablePage() { ::munmap(address_, 4096); }
  template <typename T>
  [[nodiscard]] T* as() const {
    return static_cast<T*>(address_);
  }

 private:
  void* const address_;
};

// ---- What is taken ----

TEST_F(LibaioSubmit, Contract_P1_PreparingFillsInTheBlockAndNeedsNoDescriptor) {
  sluice_iocb block;
  std::fill_n(reinterpret_cast<unsigned char*>(&block), sizeof block, 0xff);
  sluice_io_prep_fsync(&block, -1);
  EXPECT_EQ(block.opcode, SLUICE_IO_FSYNC);
  EXPECT_EQ(block.fildes, -1);
  EXPECT_EQ(block.buf, nullptr);
  EXPECT_EQ(block.nbytes, 0U);
  EXPECT_EQ(block.offset, 0);
  EXPECT_EQ(block.reqprio, 0);
  EXPECT_EQ(block.callback, nullptr);
  EXPECT_EQ(submit(block), -EBADF);
}

TEST_F(LibaioSubmit, Contract_P4_FsyncIsAFullSyncAndFdsyncADataSync) {
  const SyncEngine& engine = (*process_aio())->engine();
  write_bytes(fd(), 4096);
  const auto before = engine.counters();
  sluice_iocb full = fsync_of(fd());
  ASSERT_EQ(submit(full), 1);
  EXPECT_EQ(collect_result(), 0);
  EXPECT_EQ(engine.counters().full.syncs - before.full.syncs, 1U);
  EXPECT_EQ(engine.counters().data.syncs - before.data.syncs, 0U);
  sluice_iocb data = fdsync_of(fd());
  ASSERT_EQ(submit(data), 1);
  EXPECT_EQ(collect_result(), 0);
  EXPECT_EQ(engine.counters().full.syncs - before.full.syncs, 1U);
  EXPECT_EQ(engine.counters().data.syncs - before.data.syncs, 1U);
}

TEST_F(LibaioSubmit, WhatWasWrittenIsRead) {
  sluice_iocb write = write_of(fd(), "sluice", 7);
  ASSERT_EQ(submit(write), 1);
  EXPECT_EQ(collect_result(), 6);
  std::array<char, 16> buffer{};
  sluice_iocb read;
  sluice_io_prep_pread(&read, fd(), buffer.data(), buffer.size(), 7);
  ASSERT_EQ(submit(read), 1);
  EXPECT_EQ(collect_result(), 6);
  EXPECT_STREQ(buffer.data(), "sluice");
}

TEST_F(LibaioSubmit, Contract_S6_OffsetsHave64Bits) {
  constexpr off_t kFar = off_t{5} << 32;
  sluice_iocb write = write_of(fd(), "far", kFar);
  ASSERT_EQ(submit(write), 1);
  EXPECT_EQ(collect_result(), 3);
  EXPECT_EQ(::lseek(fd(), 0, SEEK_END), kFar + 3);
}

TEST_F(LibaioSubmit, Contract_L6_ReadOnlyDescriptorIsEnoughToSync) {
  const UniqueFd reading(::open(files().path().c_str(), O_RDONLY | O_CLOEXEC));
  sluice_iocb block = fsync_of(reading.get());
  ASSERT_EQ(submit(block), 1);
  EXPECT_EQ(collect_result(), 0);
}

TEST_F(LibaioSubmit, DescriptorMayBeClosedOnceQueued) {
  UniqueFd own(::fcntl(fd(), F_DUPFD_CLOEXEC, 0));
  sluice_iocb block = fsync_of(own.get());
  ASSERT_EQ(submit(block), 1);
  own.reset();
  EXPECT_EQ(collect_result(), 0);
}

TEST_F(LibaioSubmit, Contract_F5_BatchSaysHowManyWereQueued) {
  std::array<sluice_iocb, 4> blocks{fsync_of(fd(0)), fsync_of(fd(1)), fsync_of(-1), fsync_of(fd(2))};
  sluice_iocb* pointers[] = {&blocks[0], &blocks[1], &blocks[2], &blocks[3]};
  EXPECT_EQ(sluice_io_submit(context(), 4, pointers), 2);
  EXPECT_EQ(sluice_io_submit(context(), 2, pointers + 2), -EBADF);
  EXPECT_EQ(sluice_io_submit(context(), 0, nullptr), 0);
  EXPECT_EQ(collect(2).size(), 2U);
}

// ---- What is refused ----

TEST_F(LibaioSubmit, Contract_F1_ErrorsAreNegativeAndErrnoIsLeftAlone) {
  sluice_iocb block = fsync_of(-1);
  errno = ENOTTY;
  EXPECT_EQ(sluice_io_setup(-1, nullptr), -EFAULT);
  EXPECT_EQ(sluice_io_submit(nullptr, 0, nullptr), -EINVAL);
  EXPECT_EQ(sluice_io_fsync(nullptr, &block, nullptr, fd()), -EINVAL);
  EXPECT_EQ(sluice_io_queue_run(nullptr), -EINVAL);
  EXPECT_EQ(errno, ENOTTY);
}

TEST_F(LibaioSubmit, Contract_F4_BlockOutsideTheAddressSpaceIsEfault) {
  const UnreadablePage page;
  sluice_iocb* blocks[] = {page.as<sluice_iocb>()};
  EXPECT_EQ(sluice_io_submit(context(), 1, blocks), -EFAULT);
  EXPECT_EQ(sluice_io_fsync(context(), page.as<sluice_iocb>(), nullptr, fd()), -EFAULT);
  sluice_iocb* none[] = {nullptr};
  EXPECT_EQ(sluice_io_submit(context(), 1, none), -EFAULT);
  EXPECT_EQ(sluice_io_submit(context(), 1, page.as<sluice_iocb*>()), -EFAULT);
  EXPECT_EQ(sluice_io_submit(context(), 1, nullptr), -EFAULT);
}

TEST_F(LibaioSubmit, Contract_F4_NoSuchDescriptorIsEbadf) {
  UniqueFd own(::fcntl(fd(), F_DUPFD_CLOEXEC, 0));
  sluice_iocb block = fsync_of(own.get());
  own.reset();
  EXPECT_EQ(submit(block), -EBADF);
  const UniqueFd path(::open(files().path().c_str(), O_PATH | O_CLOEXEC));
  block = fsync_of(path.get());
  EXPECT_EQ(submit(block), -EBADF);
}

TEST_F(LibaioSubmit, Contract_F4_PipeAndSocketAreEinval) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const UniqueFd reader(ends[0]);
  const UniqueFd writer(ends[1]);
  const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sluice_iocb block = fsync_of(writer.get());
  EXPECT_EQ(submit(block), -EINVAL);
  block = write_of(writer.get(), "x");
  EXPECT_EQ(submit(block), -EINVAL);
  block = fdsync_of(socket.get());
  EXPECT_EQ(submit(block), -EINVAL);
}

TEST_F(LibaioSubmit, Contract_F4_FileThatCannotBeSyncedIsEinvalInTheEvent) {
  const UniqueFd file(::open("/proc/self/status", O_RDONLY | O_CLOEXEC));
  sluice_iocb block = fsync_of(file.get());
  ASSERT_EQ(submit(block), 1);
  EXPECT_EQ(collect_result(), -EINVAL);
}

TEST_F(LibaioSubmit, Contract_F4_BadlyInitialisedBlockIsEinval) {
  const auto refusal_after = [this](auto spoil) {
    sluice_iocb block = fsync_of(fd());
    spoil(block);
    return submit(block);
  };
  EXPECT_EQ(refusal_after([](sluice_iocb& block) { block = {}; }), -EINVAL);
  EXPECT_EQ(refusal_after([](sluice_iocb& block) { block.opcode = SLUICE_IO_FDSYNC + 1; }), -EINVAL);
  EXPECT_EQ(refusal_after([](sluice_iocb& block) { block.buf = &block; }), -EINVAL);
  EXPECT_EQ(refusal_after([](sluice_iocb& block) { block.nbytes = 1; }), -EINVAL);
  EXPECT_EQ(refusal_after([](sluice_iocb& block) { block.offset = 1; }), -EINVAL);
  EXPECT_EQ(refusal_after([](sluice_iocb& block) { block.reqprio = -1; }), -EINVAL);
  EXPECT_EQ(refusal_after([](sluice_iocb& block) { block.reqprio = 21; }), -EINVAL);
  EXPECT_EQ(refusal_after([](sluice_iocb&) {}), 1);
}

TEST_F(LibaioSubmit, Contract_F4_TransferAtANegativeOffsetOrOfTooManyBytesIsEinval) {
  sluice_iocb block = write_of(fd(), "x", -1);
  EXPECT_EQ(submit(block), -EINVAL);
  block = write_of(fd(), "x");
  block.nbytes = std::size_t{SSIZE_MAX} + 1;
  EXPECT_EQ(submit(block), -EINVAL);
}

TEST_F(LibaioSubmit, RefusedBlockIsNotInUse) {
  sluice_iocb block = fsync_of(-1);
  EXPECT_EQ(submit(block), -EBADF);
  block = fsync_of(fd());
  EXPECT_EQ(submit(block), 1);
  EXPECT_EQ(collect_result(), 0);
}

TEST_F(LibaioSubmit, TransferErrorsAreInTheEvent) {
  const UniqueFd reading(::open(files().path().c_str(), O_RDONLY | O_CLOEXEC));
  sluice_iocb block = write_of(reading.get(), "x");
  ASSERT_EQ(submit(block), 1);
  EXPECT_EQ(collect_result(), -EBADF);
  const UnreadablePage page;
  sluice_io_prep_pwrite(&block, fd(), page.as<void>(), 16, 0);
  ASSERT_EQ(submit(block), 1);
  EXPECT_EQ(collect_result(), -EFAULT);
}

// ---- Bounds, double use ----

TEST_F(LibaioSubmit, Contract_E6_UncollectedEventsCountAndOneMoreIsEagain) {
  sluice_io_context_t small = nullptr;
  ASSERT_EQ(sluice_io_setup(2, &small), 0);
  std::array<sluice_iocb, 3> blocks{fsync_of(fd(0)), fsync_of(fd(1)), fsync_of(fd(2))};
  sluice_iocb* pointers[] = {&blocks[0], &blocks[1], &blocks[2]};
  EXPECT_EQ(sluice_io_submit(small, 3, pointers), 2);
  EXPECT_EQ(submit(blocks[2], small), -EAGAIN);
  // Done, but not collected.
  ASSERT_EQ(sluice_io_queue_wait(small, nullptr), 0);
  EXPECT_EQ(submit(blocks[2], small), -EAGAIN);
  EXPECT_EQ(collect(1, small).size(), 1U);
  EXPECT_EQ(submit(blocks[2], small), 1);
  EXPECT_EQ(collect(2, small).size(), 2U);
  EXPECT_EQ(sluice_io_destroy(small), 0);
}

TEST_F(LibaioSubmit, Contract_P7_BlockInFlightIsEbusyAndTheFirstUseIsUnharmed) {
  SLUICE_SLOW_BUFFER(slow);
  sluice_io_context_t other = nullptr;
  ASSERT_EQ(sluice_io_setup(1, &other), 0);
  sluice_iocb block = write_of(fd(), slow);
  block.data = this;
  ASSERT_EQ(submit(block), 1);
  ASSERT_TRUE(slow.wait_until_wanted());
  EXPECT_EQ(submit(block), -EBUSY);
  EXPECT_EQ(submit(block, other), -EBUSY);
  EXPECT_EQ(sluice_io_fsync(context(), &block, nullptr, fd(1)), -EBUSY);
  EXPECT_EQ(block.opcode, SLUICE_IO_PWRITE);
  EXPECT_EQ(block.fildes, fd());
  slow.arrive();
  const auto events = collect(1);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].obj, &block);
  EXPECT_EQ(events[0].data, this);
  EXPECT_EQ(events[0].res, static_cast<long>(slow.bytes().size()));
  EXPECT_EQ(sluice_io_getevents(context(), 0, 0, nullptr, nullptr), 0);
  EXPECT_EQ(sluice_io_destroy(other), 0);
}

TEST_F(LibaioSubmit, Contract_P7_BlockIsInUseUntilItsEventIsCollected) {
  sluice_iocb block = fsync_of(fd());
  ASSERT_EQ(submit(block), 1);
  ASSERT_EQ(sluice_io_queue_wait(context(), nullptr), 0);
  EXPECT_EQ(submit(block), -EBUSY);
  EXPECT_EQ(collect_result(), 0);
  EXPECT_EQ(submit(block), 1);
  EXPECT_EQ(collect_result(), 0);
}

TEST_F(LibaioSubmit, Contract_S7_EveryThreadMaySubmitAndCollect) {
  constexpr std::size_t kThreads = 4;
  std::array<int, kThreads> refusals{};
  std::array<int, kThreads> failures{};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      // On the heap: another thread may collect its event.
      for (int j = 0; j < 50; ++j) {
        auto* block = new sluice_iocb(j % 2 == 0 ? fsync_of(fd(i)) : write_of(fd(i), "x", j));
        if (submit(*block) != 1) ++refusals[i];
        sluice_io_event event;
        if (sluice_io_getevents(context(), 1, 1, &event, nullptr) != 1 || event.res < 0) ++failures[i];
        delete event.obj;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(refusals, (std::array<int, kThreads>{}));
  EXPECT_EQ(failures, (std::array<int, kThreads>{}));
}

}  // namespace
}  // namespace sluice::testing
