#include "uring_backend.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <filesystem>
#include <thread>

#include "syscall_filter.h"
#include "temp_files.h"

namespace sluice::testing {
namespace {

constexpr unsigned kSyncs = 64;

class UringBackendTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Result<std::unique_ptr<UringBackend>> made = UringBackend::create(kSyncs);
    if (!made) GTEST_SKIP() << "io_uring is not to be had here: " << made.error().message();
    backend_ = std::move(*made);
  }

  void collect(std::size_t count) {
    while (completions_.size() < count) backend_->wait(completions_);
  }

  std::unique_ptr<UringBackend> backend_;
  std::vector<IoCompletion> completions_;
};

std::vector<int> open_descriptors() {
  std::vector<int> open;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    open.push_back(std::stoi(entry.path().filename()));
  }
  return open;
}

TEST_F(UringBackendTest, WorkerLimitHoldsForTheSubmittingThreadWhoeverMadeTheRing) {
  const TempFiles files;
  Result<unsigned> limit = 0U;
  std::thread([&] {
    backend_->submit_sync(IoToken(1), files.fd(), SyncKind::full);
    collect(1);
    limit = backend_->worker_limit();
  }).join();
  ASSERT_TRUE(limit);
  EXPECT_EQ(*limit, kSyncs);
}

TEST_F(UringBackendTest, WorkerLimitHoldsForAThreadThatHasUsedAnotherRing) {
  const TempFiles files;
  Result<unsigned> limit = 0U;
  std::thread([&] {
    Result<std::unique_ptr<UringBackend>> other = UringBackend::create(2);
    ASSERT_TRUE(other);
    (*other)->wake();
    (*other)->wait(completions_);
    backend_->submit_sync(IoToken(1), files.fd(), SyncKind::full);
    collect(1);
    limit = backend_->worker_limit();
  }).join();
  ASSERT_TRUE(limit);
  EXPECT_EQ(*limit, kSyncs);
}

TEST_F(UringBackendTest, RequestsThatTheKernelHasNoMemoryForAreOfferedAgain) {
  const TempFiles files;
  backend_->submit_sync(IoToken(1), files.fd(), SyncKind::full);
  // The filter outlives nothing but its own thread, so the wait after it plays the kernel's recovery.
  ASSERT_TRUE(run_without_syscalls({SYS_io_uring_enter}, EAGAIN, [&] { backend_->wait(completions_); }));
  EXPECT_TRUE(completions_.empty());
  collect(1);
  EXPECT_EQ(completions_[0].token, IoToken(1));
  EXPECT_EQ(completions_[0].outcome, IoOutcome::succeeded);
}

TEST_F(UringBackendTest, WakeArrivesWhileTheKernelHasNoMemory) {
  backend_->wake();
  ASSERT_TRUE(run_without_syscalls({SYS_io_uring_enter}, ENOMEM, [&] { backend_->wait(completions_); }));
  backend_->wake();
  backend_->wait(completions_);
  EXPECT_TRUE(completions_.empty());
}

TEST_F(UringBackendTest, EveryDescriptorIsClosedOnExec) {
  int checked = 0;
  for (const int fd : open_descriptors()) {
    const std::string target = "/proc/self/fd/" + std::to_string(fd);
    std::error_code gone;
    const std::string what = std::filesystem::read_symlink(target, gone);
    if (what.rfind("anon_inode:", 0) != 0) continue;
    ++checked;
    EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0) << what;
  }
  EXPECT_GE(checked, 2);  // The ring and the eventfd.
}

TEST_F(UringBackendTest, NothingStaysOpenBehindIt) {
  backend_.reset();
  const std::vector<int> before = open_descriptors();
  {
    Result<std::unique_ptr<UringBackend>> made = UringBackend::create(kSyncs);
    ASSERT_TRUE(made);
    (*made)->wake();
    (*made)->wait(completions_);
  }
  EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace sluice::testing
