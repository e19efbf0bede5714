#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "mount_files.h"
#include "mount_fixture.h"
#include "sluice/io_backend.h"

// What a program is told when the source's own fsync fails in ways that the protocol has no room for.

namespace sluice::testing {
namespace {

constexpr std::chrono::seconds kPatience{20};

/// Everything that it is given fails with the same error.
class FailingBackend : public IoBackend {
 public:
  explicit FailingBackend(Errno error)
      : error_(error), real_(std::move(*make_backend(BackendChoice::threads, 4))) {}

  void submit_sync(IoToken token, int fd, SyncKind kind) override { real_->submit_sync(token, fd, kind); }
  IoCompletion sync(int, SyncKind) override { return {{}, IoOutcome::failed, error_}; }
  void submit_transfer(IoToken token, const Transfer& transfer) override {
    real_->submit_transfer(token, transfer);
  }
  void wait(std::vector<IoCompletion>& completions) override {
    const std::size_t had = completions.size();
    real_->wait(completions);
    for (std::size_t i = had; i < completions.size(); ++i) {
      completions[i].outcome = IoOutcome::failed;
      completions[i].error = error_;
    }
  }
  void wake() override { real_->wake(); }
  [[nodiscard]] Result<Fingerprint> fingerprint(int fd) const override { return real_->fingerprint(fd); }
  [[nodiscard]] Result<off_t> size(int fd) const override { return real_->size(fd); }
  [[nodiscard]] timespec wall_clock() const override { return real_->wall_clock(); }
  [[nodiscard]] bool stamps_by_wall_clock(int fd) const override { return real_->stamps_by_wall_clock(fd); }
  [[nodiscard]] unsigned max_in_flight() const override { return real_->max_in_flight(); }
  [[nodiscard]] std::string_view name() const override { return "failing"; }

 private:
  const Errno error_;
  const std::unique_ptr<IoBackend> real_;
};

MountSetup failing_with(int error) {
  MountSetup setup;
  setup.make_backend = [error] { return std::make_unique<FailingBackend>(Errno(error)); };
  return setup;
}

/// The error of fsync(2) in a program of its own, which can be left behind when it is never answered.
int fsync_error(const MountFixture& mount, const std::string& path) {
  auto error = std::async(std::launch::async, [&] {
    return run_in_child([&] {
      const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
      if (fd < 0 || ::write(fd, "x", 1) != 1) return 255;
      return error_of(::fsync(fd));
    });
  });
  if (error.wait_for(kPatience) == std::future_status::ready) return error.get();
  ADD_FAILURE() << "fsync(2) is not answered";
  // Nothing else ends it (request_wait_answer).
  static_cast<void>(mount.unmount(MNT_FORCE));
  return error.get();
}

TEST(MountSyncError, ANumberThatIsTheKernelsOwnIsToldAsEio) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to mount";
  constexpr int kNotSupported = 524;  // ENOTSUPP, which NFS and others let out now and then.
  const MountFixture mount(failing_with(kNotSupported));
  EXPECT_EQ(fsync_error(mount, mount.at("f")), EIO);
}

TEST(MountSyncError, TheKernelGoesOnAskingAfterAnErrorThatWouldMeanThatThereIsNoFsync) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to mount";
  const MountFixture mount(failing_with(ENOSYS));
  for (const std::uint64_t barriers : {1U, 2U}) {
    EXPECT_NE(fsync_error(mount, mount.at("f")), 0);
    EXPECT_EQ(mount.counts().barriers, barriers);
  }
}

}  // namespace
}  // namespace sluice::testing
