#include <aio.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "posix_harness.h"
#include "sanitizer_limits.h"
#include "slow_buffer.h"
#include "syscall_filter.h"

// The C library's names, served by libsluice_aio.so, which this program is linked with.

namespace sluice::testing {
namespace {

aiocb block_for(int fd) {
  aiocb block{};
  block.aio_fildes = fd;
  block.aio_sigevent.sigev_notify = SIGEV_NONE;
  return block;
}

int end_of(const aiocb& block) {
  const aiocb* const blocks[] = {&block};
  const timespec patience{.tv_sec = 10, .tv_nsec = 0};
  while (::aio_suspend(blocks, 1, &patience) != 0) {
    if (errno == EAGAIN) return ETIMEDOUT;
  }
  return ::aio_error(&block);
}

int sync_now(int fd) {
  aiocb block = block_for(fd);
  return ::aio_fsync(O_SYNC, &block) == 0 ? end_of(block) : errno;
}

bool is_ours(void* function) {
  Dl_info info{};
  return ::dladdr(function, &info) != 0 &&
         std::string_view(info.dli_fname).find("libsluice_aio.so") != std::string_view::npos;
}

TEST(Preload, EveryNameIsOurs) {
  for (const char* name :
       {"aio_cancel", "aio_cancel64", "aio_error", "aio_error64", "aio_fsync", "aio_fsync64", "aio_init",
        "aio_read", "aio_read64", "aio_return", "aio_return64", "aio_suspend", "aio_suspend64", "aio_write",
        "aio_write64", "lio_listio", "lio_listio64"}) {
    EXPECT_TRUE(is_ours(::dlsym(RTLD_DEFAULT, name))) << name;
  }
}

TEST(Preload, NothingElseIsExported) {
  Dl_info info{};
  ASSERT_NE(::dladdr(::dlsym(RTLD_DEFAULT, "aio_fsync"), &info), 0);
  void* library = ::dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD);
  ASSERT_NE(library, nullptr);
  // One of each kind that must not meet a program's own of the same name.
  for (const char* name : {"sluice_aio_fsync", "_ZN6sluice11process_aioEv"}) {
    void* const found = ::dlsym(library, name);
    EXPECT_TRUE(found == nullptr || !is_ours(found)) << name;
  }
  ::dlclose(library);
}

TEST(Preload, NullBlockIsEinval) {
  aiocb* const none = nullptr;
  auto* const volatile fsync_of = &::aio_fsync;
  auto* const volatile error_of = &::aio_error;
  EXPECT_EQ(errno_of(fsync_of(O_SYNC, none)), EINVAL);
  EXPECT_EQ(errno_of(error_of(none)), EINVAL);
}

TEST(Preload, DescriptorMayBeClosedAtOnce) {
  const TempFiles files;
  for (int i = 0; i < 100; ++i) {
    UniqueFd fd(::open(files.path().c_str(), O_WRONLY | O_CLOEXEC));
    aiocb block = block_for(fd.get());
    ASSERT_EQ(::aio_fsync(O_DSYNC, &block), 0);
    fd.reset();
    EXPECT_EQ(end_of(block), 0);
  }
}

TEST(Preload, Contract_S7_ManyThreadsWriteAndSync) {
  const TempFiles files;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      std::string text(10, static_cast<char>('a' + i));
      for (int round = 0; round < 50; ++round) {
        aiocb write = block_for(files.fd());
        write.aio_buf = text.data();
        write.aio_nbytes = text.size();
        write.aio_offset = 10L * i;
        EXPECT_EQ(::aio_write(&write), 0);
        EXPECT_EQ(sync_now(files.fd()), 0);
        EXPECT_EQ(::aio_error(&write), 0);
        EXPECT_EQ(::aio_return(&write), 10);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// ---- Notifications ----

std::atomic<int> handler_error{-1};
std::atomic<long> handler_result{-1};

TEST(PreloadNotify, Contract_B8_SignalHandlerMayAskForErrorAndResult) {
  const TempFiles files;
  struct sigaction action {};
  action.sa_flags = SA_SIGINFO;
  action.sa_sigaction = [](int, siginfo_t* info, void*) {
    auto* block = static_cast<aiocb*>(info->si_value.sival_ptr);
    handler_result = ::aio_return(block);
    handler_error = ::aio_error(block);
  };
  ASSERT_EQ(::sigaction(SIGRTMIN + 1, &action, nullptr), 0);
  char text[] = "abc";
  // Often, so that a handler runs in the middle of the calls as well.
  for (int i = 0; i < 1000; ++i) {
    aiocb block = block_for(files.fd());
    block.aio_buf = text;
    block.aio_nbytes = 3;
    block.aio_sigevent.sigev_notify = SIGEV_SIGNAL;
    block.aio_sigevent.sigev_signo = SIGRTMIN + 1;
    block.aio_sigevent.sigev_value.sival_ptr = &block;
    handler_error = -1;
    ASSERT_EQ(::aio_write(&block), 0);
    while (handler_error == -1) ::sched_yield();
    EXPECT_EQ(handler_error, 0);
    EXPECT_EQ(handler_result, 3);
  }
}

TEST(PreloadNotify, FunctionIsCalledWithItsValue) {
  const TempFiles files;
  std::promise<int> called;
  aiocb block = block_for(files.fd());
  block.aio_sigevent.sigev_notify = SIGEV_THREAD;
  block.aio_sigevent.sigev_value.sival_ptr = &called;
  block.aio_sigevent.sigev_notify_function = [](sigval value) {
    static_cast<std::promise<int>*>(value.sival_ptr)->set_value(::gettid());
  };
  ASSERT_EQ(::aio_fsync(O_SYNC, &block), 0);
  auto thread = called.get_future();
  ASSERT_EQ(thread.wait_for(std::chrono::seconds(10)), std::future_status::ready);
  EXPECT_NE(thread.get(), ::gettid());
  EXPECT_EQ(::aio_error(&block), 0);
}

// ---- The process ----

TEST(PreloadFork, ChildInMidFlightHasItsOwnRequestsOnly) {
  SLUICE_SKIP_IF_CHILD_MAY_HAVE_NO_THREADS();
  auto slow = SlowBuffer::create();
  if (!slow) GTEST_SKIP() << "userfaultfd is not to be had here: " << slow.error().message();
  const TempFiles files;
  aiocb write = block_for(files.fd());
  write.aio_buf = const_cast<std::byte*>((*slow)->bytes().data());
  write.aio_nbytes = 1;
  ASSERT_EQ(::aio_write(&write), 0);
  ASSERT_TRUE((*slow)->wait_until_wanted());
  in_child([&] {
    EXPECT_EQ(::aio_error(&write), ECANCELED);
    EXPECT_EQ(::aio_return(&write), -1);
    EXPECT_EQ(sync_now(files.fd()), 0);
    // A child of the child as well.
    in_child([&] { EXPECT_EQ(sync_now(files.fd()), 0); });
  });
  EXPECT_EQ(::aio_error(&write), EINPROGRESS);
  (*slow)->arrive();
  EXPECT_EQ(end_of(write), 0);
  EXPECT_EQ(::aio_return(&write), 1);
}

TEST(PreloadProcess, Contract_L8_ThreadsTakeOverWhereIoUringIsForbidden) {
  in_child([] {
    const TempFiles files;
    ASSERT_TRUE(run_without_syscalls({SYS_io_uring_setup}, EPERM, [&] {
      EXPECT_EQ(sync_now(files.fd()), 0);
    })) << "seccomp is not to be had here";
  });
}

}  // namespace
}  // namespace sluice::testing
