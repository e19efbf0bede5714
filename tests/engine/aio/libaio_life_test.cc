#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <thread>

#include "aio/process_aio.h"
#include "libaio_fixture.h"
#include "sanitizer_limits.h"
#include "syscall_filter.h"

// Contexts of the libaio shape from setup to destruction, and across fork(2).

namespace sluice::testing {
namespace {

constexpr timespec kNow{.tv_sec = 0, .tv_nsec = 0};

class LibaioLife : public LibaioFixture {
 protected:
  /// What every call says of a context that is none.
  void expect_no_context(sluice_io_context_t context) const {
    sluice_iocb block = fsync_of(fd());
    sluice_io_event event;
    EXPECT_EQ(submit(block, context), -EINVAL);
    EXPECT_EQ(sluice_io_fsync(context, &block, nullptr, fd()), -EINVAL);
    EXPECT_EQ(sluice_io_getevents(context, 0, 1, &event, nullptr), -EINVAL);
    EXPECT_EQ(sluice_io_queue_run(context), -EINVAL);
    EXPECT_EQ(sluice_io_queue_wait(context, &kNow), -EINVAL);
    EXPECT_EQ(sluice_io_cancel(context, &block, &event), -EINVAL);
    EXPECT_EQ(sluice_io_destroy(context), -EINVAL);
  }
};

TEST_F(LibaioLife, Contract_F4_ContextThatWasNeverMadeIsEinval) {
  expect_no_context(nullptr);
  expect_no_context(reinterpret_cast<sluice_io_context_t>(&errno));
}

TEST_F(LibaioLife, Contract_F4_DestroyedContextIsEinval) {
  const sluice_io_context_t old = context();
  EXPECT_EQ(destroy(), 0);
  expect_no_context(old);
}

TEST_F(LibaioLife, SetupSaysWhatItCannotDo) {
  sluice_io_context_t made = nullptr;
  EXPECT_EQ(sluice_io_setup(0, &made), -EINVAL);
  EXPECT_EQ(sluice_io_setup(-1, &made), -EINVAL);
  EXPECT_EQ(sluice_io_setup(INT_MAX, &made), -EAGAIN);
  EXPECT_EQ(sluice_io_setup(1, nullptr), -EFAULT);
  EXPECT_EQ(made, nullptr);
  made = context();
  EXPECT_EQ(sluice_io_setup(1, &made), -EINVAL);
}

TEST_F(LibaioLife, Contract_F5_DestroyWaitsForWhatIsOutstanding) {
  SLUICE_SLOW_BUFFER(slow);
  sluice_iocb write = write_of(fd(), slow);
  ASSERT_EQ(submit(write), 1);
  ASSERT_TRUE(slow.wait_until_wanted());
  const sluice_io_context_t name = context();
  std::atomic<bool> arrived{false};
  bool arrived_before_the_end = false;
  std::thread destroyer([&] {
    EXPECT_EQ(destroy(), 0);
    arrived_before_the_end = arrived;
  });
  while (sluice_io_queue_run(name) == 0) std::this_thread::yield();
  arrived = true;
  slow.arrive();
  destroyer.join();
  EXPECT_TRUE(arrived_before_the_end);
  EXPECT_EQ(::lseek(fd(), 0, SEEK_END), static_cast<off_t>(slow.bytes().size()));
}

TEST_F(LibaioLife, DestroyEndsTheWaitForEvents) {
  const sluice_io_context_t name = context();
  int waited = 0;
  std::thread waiter([&] {
    sluice_io_event event;
    waited = sluice_io_getevents(name, 1, 1, &event, nullptr);
  });
  EXPECT_EQ(destroy(), 0);
  waiter.join();
  EXPECT_EQ(waited, -EINVAL);
}

TEST_F(LibaioLife, BlockOfAnEventThatNobodyCollectedIsFreeAfterDestroy) {
  sluice_io_context_t other = nullptr;
  ASSERT_EQ(sluice_io_setup(1, &other), 0);
  sluice_iocb block = fsync_of(fd());
  ASSERT_EQ(submit(block, other), 1);
  ASSERT_EQ(sluice_io_destroy(other), 0);
  EXPECT_EQ(submit(block), 1);
  EXPECT_EQ(collect_result(), 0);
}

// ---- What a process has too little of ----

TEST_F(LibaioLife, Contract_L8_WithoutIoUringAndFallbackThereIsNoContext) {
  EXPECT_TRUE(holds_in_child([] {
    AioOptions options;
    options.backend = BackendChoice::io_uring;
    sluice_io_context_t made = nullptr;
    return forbid_syscalls({SYS_io_uring_setup}, EPERM) && set_process_aio_options(options) &&
           sluice_io_setup(1, &made) == -ENOSYS && made == nullptr;
  })) << "or there is no seccomp here";
}

TEST_F(LibaioLife, Contract_L8_WithoutIoUringThreadsCarryOn) {
  SLUICE_SKIP_IF_CHILD_MAY_HAVE_NO_THREADS();
  EXPECT_TRUE(holds_in_child([this] {
    sluice_io_context_t made = nullptr;
    sluice_iocb block = fsync_of(fd());
    return forbid_syscalls({SYS_io_uring_setup}, EPERM) && sluice_io_setup(1, &made) == 0 &&
           submit(block, made) == 1 && collect(1, made).at(0).res == 0;
  })) << "or there is no seccomp here";
}

TEST_F(LibaioLife, DescriptorThatCannotBeDuplicatedIsEmfile) {
  SLUICE_SKIP_IF_CHECKS_NEED_DESCRIPTORS();
  SLUICE_SKIP_IF_CHILD_MAY_HAVE_NO_THREADS();
  EXPECT_TRUE(holds_in_child([this] {
    sluice_io_context_t made = nullptr;
    if (sluice_io_setup(1, &made) != 0) return false;
    const auto next = static_cast<rlim_t>(::fcntl(fd(), F_DUPFD_CLOEXEC, 0));
    const rlimit no_more{.rlim_cur = next + 1, .rlim_max = next + 1};
    sluice_iocb block = fsync_of(fd());
    return ::setrlimit(RLIMIT_NOFILE, &no_more) == 0 && submit(block, made) == -EMFILE;
  }));
}

TEST_F(LibaioLife, Contract_E6_FullProcessIsEagainInEveryContext) {
  SLUICE_SKIP_IF_CHILD_MAY_HAVE_NO_THREADS();
  EXPECT_TRUE(holds_in_child([this] {
    AioOptions options;
    options.max_requests = 1;
    sluice_io_context_t full = nullptr;
    sluice_io_context_t other = nullptr;
    const auto slow = SlowBuffer::create();
    if (!slow || !set_process_aio_options(options)) return false;
    if (sluice_io_setup(1, &full) != 0 || sluice_io_setup(1, &other) != 0) return false;
    sluice_iocb write = write_of(fd(), **slow);
    sluice_iocb sync = fsync_of(fd(1));
    const bool is_refused = submit(write, full) == 1 && submit(sync, other) == -EAGAIN;
    (*slow)->arrive();
    return collect(1, full).size() == 1 && submit(sync, other) == 1 && is_refused;
  })) << "or there is no userfaultfd here";
}

TEST_F(LibaioLife, Contract_B2_OfThoseThatWaitTheOneWithLessReqprioIsStartedFirst) {
  SLUICE_SKIP_IF_CHILD_MAY_HAVE_NO_THREADS();
  EXPECT_TRUE(holds_in_child([this] {
    AioOptions options;
    options.max_transfers = 1;
    sluice_io_context_t made = nullptr;
    const auto slow = SlowBuffer::create();
    if (!slow || !set_process_aio_options(options) || sluice_io_setup(3, &made) != 0) return false;
    sluice_iocb running = write_of(fd(), **slow);
    sluice_iocb later = write_of(fd(), "x");
    sluice_iocb sooner = write_of(fd(), "x");
    later.reqprio = 20;
    if (submit(running, made) != 1 || !(*slow)->wait_until_wanted()) return false;
    if (submit(later, made) != 1 || submit(sooner, made) != 1) return false;
    (*slow)->arrive();
    const auto events = collect(3, made);
    return events.size() == 3 && events[1].obj == &sooner && events[2].obj == &later;
  })) << "or there is no userfaultfd here";
}

// ---- fork(2) ----

TEST_F(LibaioLife, CallbackMayFork) {
  struct Forker {
    sluice_iocb block;
    pid_t child;
  };
  Forker forker{.block = {}, .child = -1};
  const auto fork_once = [](sluice_io_context_t, sluice_iocb* block, long, long) {
    reinterpret_cast<Forker*>(block)->child = ::fork();
  };
  ASSERT_EQ(sluice_io_fsync(context(), &forker.block, fork_once, fd()), 0);
  ASSERT_EQ(sluice_io_queue_wait(context(), nullptr), 0);
  const int run = sluice_io_queue_run(context());
  if (forker.child == 0) ::_exit(run == 0 && sluice_io_queue_run(context()) == -EINVAL ? 0 : 1);
  EXPECT_EQ(run, 0);
  int status = -1;
  ASSERT_EQ(::waitpid(forker.child, &status, 0), forker.child);
  EXPECT_EQ(status, 0);
}

TEST_F(LibaioLife, Contract_F4_ContextOfTheParentIsEinvalInTheChildWhichMakesItsOwn) {
  SLUICE_SKIP_IF_CHILD_MAY_HAVE_NO_THREADS();
  SLUICE_SLOW_BUFFER(slow);
  sluice_iocb write = write_of(fd(), slow);
  ASSERT_EQ(submit(write), 1);
  ASSERT_TRUE(slow.wait_until_wanted());
  EXPECT_TRUE(holds_in_child([&] {
    expect_no_context(context());
    sluice_io_context_t own = nullptr;
    if (HasFailure() || sluice_io_setup(1, &own) != 0 || own == context()) return false;
    // The block is in flight in the parent only.
    write = fsync_of(fd(1));
    return submit(write, own) == 1 && collect(1, own).at(0).res == 0 && sluice_io_destroy(own) == 0;
  }));
  slow.arrive();
  EXPECT_EQ(collect_result(), 4096);
}

}  // namespace
}  // namespace sluice::testing
