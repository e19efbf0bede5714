#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <thread>

#include "posix_harness.h"
#include "sanitizer_limits.h"

// A request that is refused only when its block is in progress already.

namespace sluice::testing {
namespace {

/// From now on no descriptor can be duplicated.
void forbid_descriptors() {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = 3;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
}

TEST(PosixRefusal, WakesWhoHasSeenTheBlockInProgress) {
  SLUICE_SKIP_IF_CHECKS_NEED_DESCRIPTORS();
  in_child([] {
    const TempFiles files;
    Block block(sync_block(files.fd()));
    ASSERT_EQ(sluice_aio_fsync(O_SYNC, &block), 0);
    ASSERT_EQ(status_when_done(block), 0);
    forbid_descriptors();

    std::atomic<bool> over{false};
    std::atomic<int> waits{0};
    std::atomic<int> in_vain{0};
    std::thread waiter([&] {
      while (!over && in_vain == 0) {
        if (sluice_aio_error(&block) != EINPROGRESS) continue;
        ++waits;
        if (status_when_done(block) == ETIMEDOUT) ++in_vain;
      }
    });
    const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (waits < 100 && in_vain == 0 && std::chrono::steady_clock::now() < patience)
      EXPECT_EQ(sluice_aio_fsync(O_SYNC, &block), -1);
    over = true;
    waiter.join();
    EXPECT_GE(waits, 100);
    EXPECT_EQ(in_vain, 0);
  });
}

}  // namespace
}  // namespace sluice::testing
