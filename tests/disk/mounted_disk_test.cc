#include "mounted_disk_test.h"

#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cstring>

namespace sluice::testing {
namespace {

/// Keeps the journal from committing behind our back, where that can be asked for.
const char* rare_commits(FileSystem type) {
  return type == FileSystem::xfs ? "" : "commit=300";
}

UniqueFd open_file(const std::string& path) {
  return UniqueFd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
}

}  // namespace

void MountedDiskTest::set_up(FileSystem type) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root for loop devices and mounts";
  disk_ = std::make_unique<TestDisk>(TestDiskSetup{.record = true});
  disk_->make_file_system(type);
  const Result<void> mounted = disk_->mount(rare_commits(type));
  if (!mounted && mounted.error() == Errno(ENODEV)) GTEST_SKIP() << "this kernel has no " << name_of(type);
  ASSERT_TRUE(mounted) << mounted.error().message();
  file_ = open_file(path("file"));
  for (std::size_t block = 0; block < kBlocks; ++block) overwrite(block, 'o');
  ASSERT_EQ(::syncfs(file()), 0);
}

void MountedDiskTest::TearDown() {
  file_.reset();
  disk_.reset();
}

void MountedDiskTest::tell(std::string_view command) {
  const Result<std::string> answer = disk_->tell(command);
  ASSERT_TRUE(answer) << command << ": " << answer.error().message();
}

void MountedDiskTest::remount(const std::string& options) {
  file_.reset();
  ASSERT_TRUE(disk_->unmount());
  ASSERT_TRUE(disk_->mount(options));
  file_ = open_file(path("file"));
}

void MountedDiskTest::overwrite(std::size_t block, char content) const {
  const std::string data(kBlock, content);
  ASSERT_EQ(::pwrite(file(), data.data(), kBlock, static_cast<off_t>(block * kBlock)),
            static_cast<ssize_t>(kBlock))
      << std::strerror(errno);
}

std::uint64_t MountedDiskTest::offset_on_disk(std::size_t block) const {
  alignas(fiemap) std::array<std::byte, sizeof(fiemap) + sizeof(fiemap_extent)> memory{};
  auto* const map = reinterpret_cast<fiemap*>(memory.data());
  map->fm_start = block * kBlock;
  map->fm_length = kBlock;
  map->fm_extent_count = 1;
  EXPECT_EQ(::ioctl(file(), FS_IOC_FIEMAP, map), 0) << std::strerror(errno);
  EXPECT_EQ(map->fm_mapped_extents, 1U);
  fiemap_extent extent{};
  std::memcpy(&extent, memory.data() + sizeof(fiemap), sizeof(extent));
  return extent.fe_physical + block * kBlock - extent.fe_logical;
}

char MountedDiskTest::on_disk(std::size_t block) const {
  const UniqueFd image(::open(disk_->image().c_str(), O_RDONLY | O_CLOEXEC));
  char content = 0;
  EXPECT_EQ(::pread(image.get(), &content, 1, static_cast<off_t>(offset_on_disk(block))), 1);
  return content;
}

int MountedDiskTest::fdatasync() const {
  return ::fdatasync(file()) == 0 ? 0 : errno;
}

int MountedDiskTest::fsync() const {
  return ::fsync(file()) == 0 ? 0 : errno;
}

}  // namespace sluice::testing
