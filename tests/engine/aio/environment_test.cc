#include <aio.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "aio/aio_environment.h"
#include "posix_harness.h"
#include "syscall_filter.h"

// What the environment asks for. Each test changes that of a child only.

namespace sluice::testing {
namespace {

TEST(AioEnvironment, NothingSetIsTheDefaults) {
  in_child([] {
    for (const char* name : {"SLUICE_AIO_BACKEND", "SLUICE_AIO_MAX_REQUESTS", "SLUICE_AIO_PRIORITY"})
      ::unsetenv(name);
    EXPECT_EQ(read_aio_environment().options.backend, BackendChoice::automatic);
    EXPECT_EQ(read_aio_environment().options.max_requests, AioOptions{}.max_requests);
    EXPECT_FALSE(read_aio_environment().use_priority);
  });
}

TEST(AioEnvironment, WhatIsSetIsTaken) {
  in_child([] {
    ::setenv("SLUICE_AIO_BACKEND", "threads", 1);
    ::setenv("SLUICE_AIO_MAX_REQUESTS", "17", 1);
    ::setenv("SLUICE_AIO_PRIORITY", "1", 1);
    EXPECT_EQ(read_aio_environment().options.backend, BackendChoice::threads);
    EXPECT_EQ(read_aio_environment().options.max_requests, 17U);
    EXPECT_TRUE(read_aio_environment().use_priority);
  });
}

TEST(AioEnvironment, WhatCannotBeUnderstoodIsNamedAndTheDefaultHolds) {
  for (const char* count : {"0", "-1", "many", "12x", "", "99999999999999999999999"}) {
    in_child([count] {
      ::setenv("SLUICE_AIO_BACKEND", "uring", 1);
      ::setenv("SLUICE_AIO_MAX_REQUESTS", count, 1);
      ::testing::internal::CaptureStderr();
      const AioEnvironment environment = read_aio_environment();
      const std::string said = ::testing::internal::GetCapturedStderr();
      EXPECT_EQ(environment.options.backend, BackendChoice::automatic);
      EXPECT_EQ(environment.options.max_requests, AioOptions{}.max_requests);
      EXPECT_EQ(said,
                "sluice: SLUICE_AIO_BACKEND is not auto, io_uring or threads and is ignored: \"uring\"\n"
                "sluice: SLUICE_AIO_MAX_REQUESTS is not a number above 0 and is ignored: \"" +
                    std::string(count) + "\"\n");
    });
  }
}

// It counts as it is when the program is loaded, so the test loads itself.
TEST(AioEnvironment, Contract_L8_IoUringDemandedAndForbiddenIsEnosys) {
  if (::getenv("SLUICE_AIO_BACKEND") == nullptr) {
    in_child([] {
      ::setenv("SLUICE_AIO_BACKEND", "io_uring", 1);
      ::execl("/proc/self/exe", "aio_environment_test",
              "--gtest_filter=AioEnvironment.Contract_L8_IoUringDemandedAndForbiddenIsEnosys", nullptr);
      ADD_FAILURE() << "cannot load itself";
    });
    return;
  }
  const TempFiles files;
  ASSERT_TRUE(run_without_syscalls({SYS_io_uring_setup}, EPERM, [&] {
    Block block(sync_block(files.fd()));
    EXPECT_EQ(errno_of(sluice_aio_fsync(O_SYNC, &block)), ENOSYS);
  })) << "seccomp is not to be had here";
}

}  // namespace
}  // namespace sluice::testing
