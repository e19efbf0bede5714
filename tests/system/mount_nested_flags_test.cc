#include <fcntl.h>
#include <linux/capability.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <string>

#include "mount_files.h"
#include "mount_fixture.h"

// What the flags of a mount inside the source forbid: the mount above it has flags of its own, which forbid
// nothing.

namespace sluice::testing {
namespace {

constexpr const char* kCapability = "security.capability";

class MountNestedFlags : public MountTest {
 protected:
  void TearDown() override {
    if (!nested_.empty()) ::umount2(nested_.c_str(), MNT_DETACH);
    MountTest::TearDown();
  }

  /// Mounts a file system in memory with these flags. In it are two copies of cat(1), one of them setuid, a
  /// file that is root's alone, and a device that is everybody's.
  void nest(unsigned long flags) {
    nested_ = source("nested");
    ASSERT_EQ(::mkdir(nested_.c_str(), 0755), 0);
    ASSERT_EQ(::mount("tmpfs", nested_.c_str(), "tmpfs", flags, "size=1m,mode=755"), 0);
    for (const char* const name : {"/cat", "/setuid cat"})
      std::filesystem::copy_file("/bin/cat", nested_ + name);
    ASSERT_EQ(::chmod((nested_ + "/setuid cat").c_str(), 04755), 0);
    make_file(nested_ + "/secret", "text", 0400);
    ASSERT_EQ(::mknod((nested_ + "/null").c_str(), S_IFCHR | 0666, makedev(1, 3)), 0);
    ASSERT_EQ(::chmod((nested_ + "/null").c_str(), 0666), 0);
  }

  /// The exit status of a program of the nested mount, run by a user with one file to read.
  [[nodiscard]] int run_by_user(const std::string& name, const std::string& argument) const {
    const std::string program = at("nested/" + name);
    return run_as(User{}, [&] {
      const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
      for (const int fd : {0, 1, 2}) ::dup2(null.get(), fd);
      ::execl(program.c_str(), "cat", argument.c_str(), nullptr);
      return errno;
    });
  }
  [[nodiscard]] int open_device_by_user() const {
    const std::string device = at("nested/null");
    return run_as(User{}, [&] { return error_of(::open(device.c_str(), O_RDWR | O_CLOEXEC)); });
  }
  /// A file capability, given behind the mount and asked for through it.
  [[nodiscard]] std::optional<std::string> file_capability() const {
    vfs_cap_data capability{};
    capability.magic_etc = VFS_CAP_REVISION_2;
    capability.data[0].permitted = 1U << CAP_DAC_READ_SEARCH;
    EXPECT_EQ(::setxattr((nested_ + "/cat").c_str(), kCapability, &capability, XATTR_CAPS_SZ_2, 0), 0);
    return xattr(at("nested/cat"), kCapability);
  }

 private:
  std::string nested_;
};

TEST_F(MountNestedFlags, ASetuidProgramHasItsOwnersRightsWhereNoFlagForbidsIt) {
  nest(0);
  EXPECT_NE(run_by_user("cat", at("nested/secret")), 0);
  EXPECT_EQ(run_by_user("setuid cat", at("nested/secret")), 0);
}

TEST_F(MountNestedFlags, ASetuidProgramOfANosuidMountRunsWithTheUsersRights) {
  nest(MS_NOSUID);
  EXPECT_EQ(run_by_user("setuid cat", "/dev/null"), 0);
  EXPECT_NE(run_by_user("setuid cat", at("nested/secret")), 0);
}

TEST_F(MountNestedFlags, AProgramThatTwoMountsShowRunsByTheFlagsOfTheOneItIsRunOn) {
  nest(0);
  const std::string strict = source("strict");
  ASSERT_EQ(::mkdir(strict.c_str(), 0755), 0);
  ASSERT_EQ(::mount(source("nested").c_str(), strict.c_str(), nullptr, MS_BIND, nullptr), 0);
  ASSERT_EQ(::mount(nullptr, strict.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_NOSUID, nullptr), 0);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(run_by_user("setuid cat", at("nested/secret")), 0);
    EXPECT_NE(run_by_user("../strict/setuid cat", at("nested/secret")), 0) << "met on the lax mount first";
  }
  EXPECT_EQ(::umount2(strict.c_str(), MNT_DETACH), 0);
}

TEST_F(MountNestedFlags, ADeviceIsOpenedWhereNoFlagForbidsIt) {
  nest(0);
  EXPECT_EQ(open_device_by_user(), 0);
}

TEST_F(MountNestedFlags, ADeviceOfANodevMountIsNotOpened) {
  nest(MS_NODEV);
  EXPECT_EQ(open_device_by_user(), ENXIO);
}

TEST_F(MountNestedFlags, AFileCapabilityIsSeenWhereNoFlagForbidsIt) {
  nest(0);
  const auto seen = file_capability();
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->size(), static_cast<std::size_t>(XATTR_CAPS_SZ_2));
}

TEST_F(MountNestedFlags, AFileCapabilityOfANosuidMountIsNotSeen) {
  nest(MS_NOSUID);
  EXPECT_FALSE(file_capability());
}

}  // namespace
}  // namespace sluice::testing
