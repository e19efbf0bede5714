#include "loop_file_system.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process.h"

namespace sluice::testing {

LoopFileSystem::LoopFileSystem(const std::string& base, std::uint64_t image_mib, std::uint64_t tmpfs_mib)
    : tmpfs_(base + "/tmpfs"), directory_(base + "/ext4") {
  const std::string image = tmpfs_ + "/image";
  const std::string size = "size=" + std::to_string(tmpfs_mib) + "m";
  EXPECT_EQ(::mkdir(tmpfs_.c_str(), 0755), 0);
  EXPECT_EQ(::mkdir(directory_.c_str(), 0755), 0);
  EXPECT_EQ(::mount("tmpfs", tmpfs_.c_str(), "tmpfs", 0, size.c_str()), 0);
  make_file(image, "");
  EXPECT_EQ(::truncate(image.c_str(), static_cast<off_t>(image_mib << 20)), 0);
  EXPECT_EQ(run_command({"mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", "-J",
                         "size=4", image}),
            0);
  EXPECT_EQ(run_command({"mount", "-o", "loop", image, directory_}), 0);
}

LoopFileSystem::~LoopFileSystem() {
  ::umount2(directory_.c_str(), MNT_DETACH);
  ::umount2(tmpfs_.c_str(), MNT_DETACH);
}

Frozen::Frozen(const LoopFileSystem& file_system)
    : directory_(open_file(file_system.directory(), O_RDONLY | O_DIRECTORY)) {
  EXPECT_EQ(::ioctl(directory_.get(), FIFREEZE, 0), 0);
}

void Frozen::thaw() {
  if (!directory_.valid()) return;
  EXPECT_EQ(::ioctl(directory_.get(), FITHAW, 0), 0);
  directory_.reset();
}

}  // namespace sluice::testing
