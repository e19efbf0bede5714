// Many files are written, then each is reopened, synced, closed and renamed by one caller: most of them are
// synced before he asks, and none is acknowledged before the disk has it.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "eventually.h"
#include "mount_files.h"
#include "mount_fixture.h"
#include "test_disk.h"

namespace sluice::testing {
namespace {

constexpr std::size_t kFiles = 100;

/// Only system calls: programs of their own do it too.
int sync_file(const char* path) {
  const UniqueFd fd(::open(path, O_WRONLY | O_CLOEXEC));
  return fd.valid() ? error_of(::fsync(fd.get())) : errno;
}

class MountStorm : public ::testing::TestWithParam<sluicefs::DataMode> {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root for loop devices and mounts";
    disk_.emplace();
    disk_->make_file_system(FileSystem::ext4);
    ASSERT_TRUE(disk_->mount("commit=300"));
    mount_.emplace(MountSetup{.parent = disk_->directory(), .data = GetParam()});
    for (std::size_t i = 0; i < kFiles; ++i) make_file(unpacked(i), std::string(16384, 'n'));
  }
  void TearDown() override {
    mount_.reset();
    disk_.reset();
  }

  [[nodiscard]] std::string installed(std::size_t number) const {
    return mount_->at("file-" + std::to_string(number));
  }
  [[nodiscard]] std::string unpacked(std::size_t number) const { return installed(number) + ".new"; }
  [[nodiscard]] CountersSnapshot counters() const { return mount_->mount().counters(); }

  std::optional<TestDisk> disk_;
  std::optional<MountFixture> mount_;
};

TEST_P(MountStorm, MostFilesAreSyncedBeforeTheirCallerAsks) {
  for (std::size_t i = 0; i < kFiles; ++i) {
    ASSERT_EQ(sync_file(unpacked(i).c_str()), 0);
    ASSERT_EQ(::rename(unpacked(i).c_str(), installed(i).c_str()), 0);
  }
  EXPECT_GT(counters().early.hits, kFiles / 2);
  // Nor is any of them synced twice, for its new name or for anything else.
  EXPECT_EQ(counters().full.syncs, kFiles);
}

TEST_P(MountStorm, NoFileIsAcknowledgedBeforeTheDiskHasIt) {
  ASSERT_EQ(sync_file(unpacked(0).c_str()), 0);
  const auto caller_of = [](const std::string& path) {
    return [path](int channel) {
      // A copy of the mount's own descriptor would keep the mount alive when this test is killed.
      const auto kept = static_cast<unsigned>(channel);
      if (kept > 3) ::close_range(3, kept - 1, 0);
      ::close_range(kept + 1, ~0U, 0);
      const int error = sync_file(path.c_str());
      (void)!::write(channel, "", 1);
      return error;
    };
  };
  HeldFlushes gate(*disk_);
  Child second(caller_of(unpacked(1)));
  ASSERT_TRUE(eventually([&] { return counters().early.started >= 2; }));
  Child third(caller_of(unpacked(2)));  // Its early sync runs.
  ASSERT_TRUE(eventually([&] { return counters().early.hits == 1; }));
  EXPECT_FALSE(second.has_reported() || third.has_reported());
  gate.release();
  for (Child* caller : {&second, &third}) {
    EXPECT_TRUE(caller->ready());
    EXPECT_EQ(caller->wait(), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, MountStorm,
                         ::testing::Values(sluicefs::DataMode::tracked, sluicefs::DataMode::automatic),
                         [](const auto& mode) { return std::string(sluicefs::name_of(mode.param)); });

}  // namespace
}  // namespace sluice::testing
