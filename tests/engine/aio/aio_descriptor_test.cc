#include <gtest/gtest.h>

#include <sys/stat.h>

#include <atomic>
#include <cerrno>

#include "aio_harness.h"

// When the duplicates of a program's descriptors are closed: it may unlock a file by closing its own, and
// unmount, once its request is done.

namespace sluice::testing {
namespace {

/// Counts the descriptors of a file when it is told that a request is done.
class CountsDescriptors final : public AioCallback {
 public:
  CountsDescriptors(FileKey file, std::atomic<int>& open) : file_(file), open_(open) {}
  void request_done(AioRequest&) noexcept override {
    int count = 0;
    for (int fd = 0; fd < 1024; ++fd) {
      struct stat status {};
      if (::fstat(fd, &status) == 0 && status.st_dev == file_.device && status.st_ino == file_.inode) ++count;
    }
    open_ = count;
  }

 private:
  const FileKey file_;
  std::atomic<int>& open_;
};

class AioDescriptor : public ::testing::Test {
 protected:
  std::shared_ptr<AioRequest> submit(AioOrder order) {
    order.callback = std::make_unique<CountsDescriptors>(aio_.files().key(), open_);
    return aio_.submit(std::move(order));
  }

  FakeAio aio_;
  std::atomic<int> open_{0};  // When told.
};

TEST_F(AioDescriptor, OfASyncIsClosedBeforeItIsDone) {
  const auto sync = submit(AioOrder::sync(aio_.files().fd()));
  aio_.end_sync(0);
  ASSERT_EQ(outcome_of(*sync), 0);
  aio_.context().stop();
  EXPECT_EQ(open_.load(), 1);
}

TEST_F(AioDescriptor, OfACancelledSyncIsClosedBeforeItIsDone) {
  const auto write = aio_.write();
  const auto sync = submit(AioOrder::sync(aio_.files().fd()));
  ASSERT_EQ(aio_.context().cancel(*sync), CancelOutcome::cancelled);
  EXPECT_EQ(open_.load(), 2);  // The test's and the write's.
}

TEST_F(AioDescriptor, OfAWriteIsClosedBeforeItIsDone) {
  const auto write = submit(AioOrder::write(aio_.files().fd(), bytes_of("x"), 0));
  aio_.end_transfer(0);
  ASSERT_EQ(outcome_of(*write), 0);
  aio_.context().stop();
  EXPECT_EQ(open_.load(), 1);
}

TEST_F(AioDescriptor, OfASyncThatFailsAtOnceIsClosedBeforeItIsDone) {
  write_bytes(aio_.files().fd(), 1);
  const auto lost = aio_.sync();
  aio_.end_sync(0, EIO);
  ASSERT_EQ(outcome_of(*lost), EIO);
  const auto sync = submit(AioOrder::sync(aio_.files().fd()));
  ASSERT_EQ(outcome_of(*sync), EIO);
  EXPECT_EQ(open_.load(), 1);
}

}  // namespace
}  // namespace sluice::testing
