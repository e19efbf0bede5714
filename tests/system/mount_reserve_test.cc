#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>

#include "loop_device.h"
#include "mount_files.h"
#include "mount_fixture.h"

// What a file system keeps for root.

namespace sluice::testing {
namespace {

/// A small ext4, half of which is for root, mounted on a directory of its own.
class ReservingFileSystem {
 public:
  ReservingFileSystem() {
    EXPECT_NE(::mkdtemp(base_.data()), nullptr);
    ::chmod(base_.c_str(), 0755);
    const std::string image = base_ + "/image";
    const UniqueFd file = open_file(image, O_RDWR | O_CREAT);
    EXPECT_EQ(::ftruncate(file.get(), off_t{32} << 20), 0);
    EXPECT_EQ(std::system(("mkfs.ext4 -q -F -m 50 " + image + " >&2").c_str()), 0);
    Result<LoopDevice> device = LoopDevice::attach(file, LoopIo::buffered);
    if (!device) throw std::runtime_error("no loop device: " + device.error().message());
    device_ = std::move(*device);
    EXPECT_EQ(::mkdir(root().c_str(), 0755), 0);
    EXPECT_EQ(::mount(device_->path().c_str(), root().c_str(), "ext4", 0, nullptr), 0);
  }
  ~ReservingFileSystem() {
    ::umount2(root().c_str(), MNT_DETACH);
    device_->close();
    ::unlink((base_ + "/image").c_str());
    ::rmdir(root().c_str());
    ::rmdir(base_.c_str());
  }
  ReservingFileSystem(const ReservingFileSystem&) = delete;
  ReservingFileSystem& operator=(const ReservingFileSystem&) = delete;

  [[nodiscard]] std::string root() const { return base_ + "/root"; }
  /// Of all that is not used, the part that only root may use.
  [[nodiscard]] struct statvfs space() const {
    const UniqueFd fd = open_file(root(), O_RDONLY | O_DIRECTORY);
    EXPECT_EQ(::syncfs(fd.get()), 0);
    struct statvfs space {};
    EXPECT_EQ(::fstatvfs(fd.get(), &space), 0);
    return space;
  }

 private:
  std::string base_ = "/tmp/sluice-reserve-XXXXXX";
  std::optional<LoopDevice> device_;
};

/// Writes until that fails; the error number.
int fill(const std::string& path) {
  static const std::array<char, 65536> bytes{};
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return 255;
  while (::write(fd, bytes.data(), bytes.size()) > 0) {
  }
  return errno;
}

TEST(MountReserve, IsForRootAlone) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to mount";
  const ReservingFileSystem file_system;
  const MountFixture mount(MountSetup{.parent = file_system.root()});
  ASSERT_EQ(::chmod(mount.at(".").c_str(), 0777), 0);
  const fsblkcnt_t reserved = file_system.space().f_bfree - file_system.space().f_bavail;

  EXPECT_EQ(run_as(User{}, [&] { return fill(mount.at("of a user")); }), ENOSPC);
  EXPECT_GE(file_system.space().f_bfree, reserved * 9 / 10);
  EXPECT_EQ(run_in_child([&] { return fill(mount.at("of root")); }), ENOSPC);
  // In passthrough the kernel writes for all by the same credentials.
  if (mount.mount().data_mode() == sluicefs::DataMode::passthrough) {
    EXPECT_GE(file_system.space().f_bfree, reserved * 9 / 10);
  } else {
    EXPECT_LT(file_system.space().f_bfree, reserved / 10);
  }
}

}  // namespace
}  // namespace sluice::testing
