#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>

#include "contract_ways.h"
#include "mount_files.h"
#include "mount_fixture.h"
#include "test_disk.h"

// What the engine's own backend and a real file system do, down to the flushes of the device, for each way in
// which a program can ask for a sync.

namespace sluice::testing {
namespace {

class ContractDevice : public ::testing::TestWithParam<Way> {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root for loop devices and mounts";
    disk_.emplace();
    disk_->make_file_system(FileSystem::ext4);
    // So that the journal commits for nobody but us.
    ASSERT_TRUE(disk_->mount("commit=300"));
    mount_.emplace(MountSetup{.parent = disk_->directory()});
    file_ = open_file(mount_->at("f"), O_RDWR | O_CREAT);
    ASSERT_EQ(::pwrite(file_.get(), "x", 1, 0), 1);
  }
  void TearDown() override {
    file_.reset();
    mount_.reset();
    disk_.reset();
  }

  [[nodiscard]] int fd() const { return file_.get(); }
  [[nodiscard]] int sync() const { return GetParam().sync(fd()); }
  [[nodiscard]] std::uint64_t flushes() const { return disk_->counts().flushes; }
  void fail_next_flush() { ASSERT_TRUE(disk_->tell("fail-flushes 0 1")); }

 private:
  std::optional<TestDisk> disk_;
  std::optional<MountFixture> mount_;
  UniqueFd file_;
};

TEST_P(ContractDevice, Contract_P4_SyncFlushesTheDevice) {
  const std::uint64_t before = flushes();
  ASSERT_EQ(sync(), 0);
  EXPECT_GT(flushes(), before);
}

TEST_P(ContractDevice, Contract_E3_DurableFileSendsNoFlush) {
  ASSERT_EQ(sync(), 0);
  const std::uint64_t before = flushes();
  EXPECT_EQ(sync(), 0);
  EXPECT_EQ(flushes(), before);
}

TEST_P(ContractDevice, Contract_E2_FailedFlushIsToldToWhoeverAsksLater) {
  fail_next_flush();
  ASSERT_EQ(sync(), EIO);
  for (const Way& way : kWays) EXPECT_EQ(way.sync(fd()), EIO) << way.name;
}

INSTANTIATE_TEST_SUITE_P(Ways, ContractDevice, ::testing::ValuesIn(kWays),
                         [](const auto& way) { return way.param.name; });

}  // namespace
}  // namespace sluice::testing
