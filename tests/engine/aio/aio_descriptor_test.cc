#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <cerrno>

#include "aio_harness.h"

// When the duplicates of a program's descriptors are closed: it may unlock a file by closing its own, and
// unmount, once its request is done.

namespace sluice::testing {
namespace {

int count_descriptors(const FileKey& file) {
  int count = 0;
  for (int fd = 0; fd < 1024; ++fd) {
    struct stat status {};
    if (::fstat(fd, &status) == 0 && status.st_dev == file.device && status.st_ino == file.inode) ++count;
  }
  return count;
}

/// Counts the descriptors of a file when it is told that a request is done.
class CountsDescriptors final : public AioCallback {
 public:
  CountsDescriptors(FileKey file, std::atomic<int>& open) : file_(file), open_(open) {}
  void request_done(AioRequest&) noexcept override { open_ = count_descriptors(file_); }

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

// ---- Record locks, which a process loses with any descriptor of the file that it closes ----

class AioRecordLock : public ::testing::Test {
 protected:
  void set(int type) {
    struct flock lock = whole(type);
    ASSERT_EQ(::fcntl(fd(), F_SETLK, &lock), 0);
  }
  /// As other open files see it.
  [[nodiscard]] bool is_held() const {
    struct flock lock = whole(F_WRLCK);
    return ::fcntl(fd(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  }
  void write_and_sync() {
    for (const AioContext::Requests requests{submit(AioOrder::write(fd(), bytes_of("x"), 0)),
                                             submit(AioOrder::sync(fd()))};
         const auto& request : requests)
      ASSERT_EQ(outcome_of(*request), 0);
  }
  /// How many descriptors of the file are open.
  [[nodiscard]] int open() const { return count_descriptors(files_.key()); }
  [[nodiscard]] int fd() const { return files_.fd(); }

  TempFiles files_;
  std::unique_ptr<AioContext> context_ = AioContext::create().value();

 private:
  static struct flock whole(int type) {
    struct flock lock {};
    lock.l_type = static_cast<short>(type);
    lock.l_whence = SEEK_SET;
    return lock;
  }
  std::shared_ptr<AioRequest> submit(AioOrder order) { return context_->submit(std::move(order)).value(); }
};

TEST_F(AioRecordLock, OfTheProgramOutlivesItsRequests) {
  for (const int type : {F_RDLCK, F_WRLCK}) {
    set(type);
    write_and_sync();
    EXPECT_TRUE(is_held());
  }
  context_->stop();
  EXPECT_TRUE(is_held());
}

TEST_F(AioRecordLock, TakesNoDescriptorForEachRequest) {
  set(F_WRLCK);
  for (int i = 0; i < 100; ++i) write_and_sync();
  EXPECT_LE(open(), 4);
}

TEST_F(AioRecordLock, KeepsNoDescriptorOnceItIsGivenUpAndTheNextRequestIsDone) {
  set(F_WRLCK);
  write_and_sync();
  set(F_UNLCK);
  write_and_sync();
  EXPECT_EQ(open(), 1);
}

}  // namespace
}  // namespace sluice::testing
