#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <thread>

#include "fake_backend.h"
#include "mount/mount.h"
#include "mount_files.h"
#include "process.h"

// The mount ends while a program waits for its fsync, which the backend holds back.

namespace sluice::testing {
namespace {

class MountEnd : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to mount";
    ASSERT_NE(::mkdtemp(base_.data()), nullptr);
    options_.source = base_ + "/source";
    options_.mountpoint = base_ + "/mount";
    for (const std::string& directory : {options_.source, options_.mountpoint}) {
      ASSERT_EQ(::mkdir(directory.c_str(), 0755), 0);
    }
    auto backend = std::make_unique<FakeBackend>();
    backend_ = backend.get();
    UniqueFd source = open_file(options_.source, O_RDONLY | O_DIRECTORY);
    // In a thread of its own: the mount gives capabilities up, which the test itself needs.
    std::thread([&] {
      auto mount = sluicefs::Mount::start(options_, std::move(source), std::move(backend));
      ASSERT_TRUE(mount) << mount.error().message;
      mount_ = std::move(*mount);
    }).join();
    ASSERT_TRUE(mount_);
  }

  void TearDown() override {
    static_cast<void>(unmount(MNT_DETACH));
    if (mount_) {
      if (!finishing_.valid()) begin_finish();
      static_cast<void>(end_finish(SyncAnswer::success()));
    }
    std::error_code ignored;
    if (!is_mount_point(options_.mountpoint)) std::filesystem::remove_all(base_, ignored);
  }

  [[nodiscard]] int unmount(int flags) const {
    return error_of(::umount2(options_.mountpoint.c_str(), flags));
  }
  /// close(2) does not wait for RELEASE; until then the mount is busy.
  void unmount_when_released() const {
    EXPECT_TRUE(eventually([this] { return unmount(0) == 0; }));
  }
  [[nodiscard]] std::string file() const { return options_.mountpoint + "/f"; }
  [[nodiscard]] FakeBackend& backend() const { return *backend_; }

  /// A program that writes a file and waits in fsync(2); its exit status is what that came to.
  [[nodiscard]] std::function<int(int)> writing() const {
    return [path = file()](int channel) {
      // With a copy of /dev/fuse it could wait for itself: the connection would not end while it lives.
      ::close_range(STDERR_FILENO + 1, static_cast<unsigned>(channel) - 1, 0);
      ::close_range(static_cast<unsigned>(channel) + 1, ~0U, 0);
      const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
      if (::write(fd, "x", 1) != 1) return 255;
      return error_of(::fsync(fd));
    };
  }

  void wait_for_the_end() const {
    pollfd ended{mount_->ended_fd(), POLLIN, 0};
    EXPECT_EQ(::poll(&ended, 1, 60'000), 1);
  }
  void begin_finish() {
    finishing_ = std::async(std::launch::async, [this] { return mount_->finish(); });
  }
  [[nodiscard]] bool has_finished() const {
    return finishing_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }
  /// Every sync that runs or is to come, those of the drain among them, ends with `answer`.
  sluicefs::StopReport end_finish(const SyncAnswer& answer) {
    backend_->answer_by([answer](const SubmittedSync&) { return answer; });
    backend_->end_all(answer);
    const sluicefs::StopReport report = finishing_.get();
    mount_.reset();
    return report;
  }
  sluicefs::StopReport finish(const SyncAnswer& answer) {
    begin_finish();
    return end_finish(answer);
  }

 private:
  std::string base_ = "/tmp/sluice-end-XXXXXX";
  sluicefs::Options options_;
  FakeBackend* backend_ = nullptr;
  std::unique_ptr<sluicefs::Mount> mount_;
  std::future<sluicefs::StopReport> finishing_;
};

TEST_F(MountEnd, AnUnmountWhileASyncRunsIsRefusedAndHurtsNobody) {
  Child program(writing());
  ASSERT_TRUE(backend().wait_for_submissions(1));
  EXPECT_EQ(unmount(0), EBUSY);
  backend().end_all(SyncAnswer::success());
  EXPECT_EQ(program.wait(), 0);
  unmount_when_released();
  wait_for_the_end();
  EXPECT_EQ(finish(SyncAnswer::success()).lost, 0U);
}

TEST_F(MountEnd, AfterALazyUnmountASyncThatRunsIsStillAnswered) {
  Child program(writing());
  ASSERT_TRUE(backend().wait_for_submissions(1));
  EXPECT_EQ(unmount(MNT_DETACH), 0);
  backend().end_all(SyncAnswer::success());
  EXPECT_EQ(program.wait(), 0);
  wait_for_the_end();
  EXPECT_EQ(finish(SyncAnswer::success()).lost, 0U);
}

TEST_F(MountEnd, AForcedUnmountFailsTheCallerAndALateAnswerHarmsNothing) {
  Child program(writing());
  ASSERT_TRUE(backend().wait_for_submissions(1));
  static_cast<void>(unmount(MNT_FORCE));  // Aborts the connection, and finds the mount busy.
  EXPECT_EQ(program.wait(), ECONNABORTED);
  wait_for_the_end();
  backend().end_all(SyncAnswer::success());
  EXPECT_EQ(finish(SyncAnswer::success()).lost, 0U);
}

TEST_F(MountEnd, FinishWaitsForASyncThatRunsAndAnswersIt) {
  Child program(writing());
  ASSERT_TRUE(backend().wait_for_submissions(1));
  ASSERT_EQ(unmount(MNT_DETACH), 0);
  begin_finish();
  wait_for_the_end();  // Of the readers that are idle.
  EXPECT_FALSE(has_finished());
  EXPECT_EQ(end_finish(SyncAnswer::success()).lost, 0U);
  EXPECT_EQ(program.wait(), 0);
}

TEST_F(MountEnd, FinishReportsASyncThatFailsAndSoDoesTheProgram) {
  Child program(writing());
  ASSERT_TRUE(backend().wait_for_submissions(1));
  ASSERT_EQ(unmount(MNT_DETACH), 0);
  begin_finish();
  wait_for_the_end();
  const sluicefs::StopReport stopped = end_finish(SyncAnswer::failure(EIO));
  EXPECT_EQ(stopped.lost, 1U);
  EXPECT_EQ(stopped.error, Errno(EIO));
  EXPECT_EQ(program.wait(), EIO);
}

TEST_F(MountEnd, FinishSyncsWhatNobodyAskedFor) {
  make_file(file(), "x");
  EXPECT_TRUE(backend().submitted().empty());
  unmount_when_released();
  wait_for_the_end();
  const sluicefs::StopReport stopped = finish(SyncAnswer::failure(ENOSPC));
  EXPECT_GE(stopped.lost, 1U);
  EXPECT_EQ(stopped.error, Errno(ENOSPC));
}

}  // namespace
}  // namespace sluice::testing
