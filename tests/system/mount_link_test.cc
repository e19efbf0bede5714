#include <fcntl.h>
#include <linux/limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>

#include "mount_files.h"
#include "mount_fixture.h"

namespace sluice::testing {
namespace {

using MountSymlink = MountTest;

std::string target_of(const std::string& path) {
  std::array<char, PATH_MAX> target{};
  const ssize_t size = ::readlink(path.c_str(), target.data(), target.size());
  EXPECT_GE(size, 0) << path;
  return std::string(target.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
}

TEST_F(MountSymlink, HasTheTargetThatItWasGiven) {
  ASSERT_EQ(::symlink("../else where", at("l").c_str()), 0);
  EXPECT_EQ(target_of(at("l")), "../else where");
  EXPECT_EQ(target_of(source("l")), "../else where");
  EXPECT_EQ(status(at("l")).st_size, 13);
}

TEST_F(MountSymlink, OfTheLongestTargetIsReadWhole) {
  const std::string target(PATH_MAX - 1, 't');
  ASSERT_EQ(error_of(::symlink(target.c_str(), at("l").c_str())),
            error_of(::symlink(target.c_str(), source("bare").c_str())));
  ASSERT_TRUE(exists(source("l"))) << "the source takes no such target";
  EXPECT_EQ(target_of(at("l")), target);
  EXPECT_EQ(error_of(::symlink((target + "t").c_str(), at("longer").c_str())), ENAMETOOLONG);
}

TEST_F(MountSymlink, WithoutATargetIsRefused) {
  EXPECT_EQ(error_of(::symlink("", at("l").c_str())), ENOENT);
}

TEST_F(MountSymlink, LeadsWhereItsTargetSaysInTheMount) {
  ASSERT_EQ(::mkdir(at("d").c_str(), 0755), 0);
  make_file(at("f"), "x");
  ASSERT_EQ(::symlink("../f", at("d/l").c_str()), 0);
  EXPECT_EQ(content(at("d/l")), "x");
  ASSERT_EQ(::symlink("d", at("to-d").c_str()), 0);
  EXPECT_EQ(content(at("to-d/l")), "x");
}

TEST_F(MountSymlink, ThatLeadsOutOfTheSourceIsTheCallersToFollow) {
  // Inside the source the same name is a file; following it there would read that.
  ASSERT_EQ(::symlink("/etc/hostname", at("l").c_str()), 0);
  ASSERT_EQ(::symlink("nowhere", at("dangling").c_str()), 0);
  EXPECT_EQ(content(at("l")), content("/etc/hostname"));
  EXPECT_EQ(error_of(::open(at("dangling").c_str(), O_RDONLY | O_CLOEXEC)), ENOENT);
}

TEST_F(MountSymlink, IsNotFollowedWhereTheCallerForbidsIt) {
  make_file(at("f"), "x");
  ASSERT_EQ(::symlink("f", at("l").c_str()), 0);
  EXPECT_EQ(error_of(::open(at("l").c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)), ELOOP);
}

TEST_F(MountSymlink, OwnerAndTimesAreItsOwn) {
  make_file(at("f"), "x");
  ASSERT_EQ(::symlink("f", at("l").c_str()), 0);
  ASSERT_EQ(::lchown(at("l").c_str(), 123, 456), 0);
  const timespec times[2] = {{1'000'000'000, 1}, {1'100'000'000, 2}};
  ASSERT_EQ(::utimensat(AT_FDCWD, at("l").c_str(), times, AT_SYMLINK_NOFOLLOW), 0);
  EXPECT_EQ(status(source("l")).st_uid, 123U);
  EXPECT_EQ(status(source("l")).st_mtim.tv_sec, 1'100'000'000);
  EXPECT_EQ(status(source("f")).st_uid, 0U);
  EXPECT_NE(status(source("f")).st_mtim.tv_sec, 1'100'000'000);
}

using MountHardLink = MountTest;

TEST_F(MountHardLink, IsTheSameFile) {
  make_file(at("f"), "x");
  ASSERT_EQ(::mkdir(at("d").c_str(), 0755), 0);
  ASSERT_EQ(::link(at("f").c_str(), at("d/g").c_str()), 0);
  EXPECT_EQ(status(at("f")).st_ino, status(at("d/g")).st_ino);
  EXPECT_EQ(status(at("f")).st_nlink, 2U);
  EXPECT_EQ(status(at("d/g")).st_nlink, 2U);
  EXPECT_EQ(status(source("d/g")).st_ino, status(source("f")).st_ino);
}

TEST_F(MountHardLink, ShowsAtOnceWhatIsDoneByTheOtherName) {
  make_file(at("f"), "x");
  ASSERT_EQ(::link(at("f").c_str(), at("g").c_str()), 0);
  const UniqueFd fd = open_file(at("f"), O_WRONLY | O_APPEND);
  EXPECT_EQ(::write(fd.get(), "yz", 2), 2);
  ASSERT_EQ(::chmod(at("f").c_str(), 0600), 0);
  EXPECT_EQ(content(at("g")), "xyz");
  EXPECT_EQ(mode_of(at("g")), 0600U);
}

TEST_F(MountHardLink, KeepsTheFileWhenTheOtherNameGoes) {
  make_file(at("f"), "x");
  ASSERT_EQ(::link(at("f").c_str(), at("g").c_str()), 0);
  ASSERT_EQ(::unlink(at("f").c_str()), 0);
  EXPECT_EQ(status(at("g")).st_nlink, 1U);
  EXPECT_EQ(content(at("g")), "x");
  EXPECT_FALSE(exists(source("f")));
}

TEST_F(MountHardLink, ToAnOpenFileIsMadeByItsDescriptor) {
  make_file(at("f"), "x");
  const UniqueFd fd = open_file(at("f"), O_RDONLY);
  const std::string descriptor = "/proc/self/fd/" + std::to_string(fd.get());
  ASSERT_EQ(::linkat(AT_FDCWD, descriptor.c_str(), AT_FDCWD, at("g").c_str(), AT_SYMLINK_FOLLOW), 0);
  EXPECT_EQ(content(source("g")), "x");
}

TEST_F(MountHardLink, ToASymlinkIsToTheLinkItself) {
  ASSERT_EQ(::symlink("nowhere", at("l").c_str()), 0);
  ASSERT_EQ(::link(at("l").c_str(), at("m").c_str()), 0);
  EXPECT_EQ(target_of(source("m")), "nowhere");
  EXPECT_EQ(status(at("m")).st_nlink, 2U);
}

TEST_F(MountHardLink, ErrorsAreThoseOfTheSource) {
  make_file(at("f"), "f");
  make_file(at("g"), "g");
  ASSERT_EQ(::mkdir(at("d").c_str(), 0755), 0);
  EXPECT_EQ(error_of(::link(at("f").c_str(), at("g").c_str())), EEXIST);
  EXPECT_EQ(error_of(::link(at("d").c_str(), at("e").c_str())), EPERM);
  EXPECT_EQ(error_of(::link(at("missing").c_str(), at("h").c_str())), ENOENT);
  EXPECT_EQ(error_of(::link(at("f").c_str(), at("missing/h").c_str())), ENOENT);
  EXPECT_EQ(error_of(::link(at("f").c_str(), source("h").c_str())), EXDEV);
}

TEST_F(MountHardLink, OfNamesThatAreGoneTheOpenFileHasNone) {
  make_file(at("f"), "x");
  ASSERT_EQ(::link(at("f").c_str(), at("g").c_str()), 0);
  const UniqueFd fd = open_file(at("f"), O_RDWR);
  ASSERT_EQ(::unlink(at("f").c_str()), 0);
  ASSERT_EQ(::unlink(at("g").c_str()), 0);
  struct stat status {};
  ASSERT_EQ(::fstat(fd.get(), &status), 0);
  EXPECT_EQ(status.st_nlink, 0U);
  EXPECT_EQ(::ftruncate(fd.get(), 0), 0);
  EXPECT_EQ(::fchmod(fd.get(), 0600), 0);
  EXPECT_EQ(::pwrite(fd.get(), "new", 3, 0), 3);
  EXPECT_EQ(::fsync(fd.get()), 0);
}

}  // namespace
}  // namespace sluice::testing
