#include "test_disk.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace sluice::testing {
namespace {

class TestDiskTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root for loop devices and mounts";
  }
};

TEST_F(TestDiskTest, KeepsAFileSystemAndLeavesNothing) {
  std::filesystem::path image;
  {
    TestDisk disk({.record = true});
    image = disk.image();
    disk.make_file_system(FileSystem::ext4);
    ASSERT_TRUE(disk.mount());
    const DiskCounts before = disk.counts();
    const UniqueFd file(::open((disk.directory() / "file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    ASSERT_EQ(::write(file.get(), "x", 1), 1);
    ASSERT_EQ(::fsync(file.get()), 0);
    EXPECT_GT(disk.counts().flushes, before.flushes);
    EXPECT_GT(disk.log_position(), before.log_position);
  }
  EXPECT_FALSE(std::filesystem::exists(image.parent_path()));
}

}  // namespace
}  // namespace sluice::testing
