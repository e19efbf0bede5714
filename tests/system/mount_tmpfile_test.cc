#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <string>

#include "mount_files.h"
#include "mount_fixture.h"
#include "mount_mapping.h"

// open(2) with O_TMPFILE: a file without a name, which link(2) may give it one. libfuse 3.14 has no operation
// for it.

namespace sluice::testing {
namespace {

std::string proc_path(const UniqueFd& fd) {
  return "/proc/self/fd/" + std::to_string(fd.get());
}

/// 0 or the error number.
int link_by_proc(const UniqueFd& fd, const std::string& name) {
  return error_of(::linkat(AT_FDCWD, proc_path(fd).c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW));
}
int link_by_descriptor(const UniqueFd& fd, const std::string& name) {
  return error_of(::linkat(fd.get(), "", AT_FDCWD, name.c_str(), AT_EMPTY_PATH));
}

struct stat status_of(const UniqueFd& fd) {
  struct stat status {};
  EXPECT_EQ(::fstat(fd.get(), &status), 0);
  return status;
}

class MountTmpfile : public MountTest {
 protected:
  UniqueFd make(int flags = O_RDWR, mode_t mode = 0644) {
    return open_file(fixture().mountpoint(), O_TMPFILE | flags, mode);
  }
};

TEST_F(MountTmpfile, HasNoNameAndIsReadAsItIsWritten) {
  const UniqueFd fd = make();
  ASSERT_TRUE(fd.valid());
  EXPECT_EQ(::write(fd.get(), "hello", 5), 5);
  std::array<char, 5> bytes{};
  EXPECT_EQ(::pread(fd.get(), bytes.data(), bytes.size(), 0), 5);
  EXPECT_EQ(std::string(bytes.data(), bytes.size()), "hello");
  EXPECT_EQ(status_of(fd).st_nlink, 0U);
  EXPECT_EQ(status_of(fd).st_size, 5);
  EXPECT_TRUE(names_in(fixture().mountpoint()).empty());
  EXPECT_TRUE(names_in(source("")).empty());
}

TEST_F(MountTmpfile, GetsANameByItsDescriptor) {
  for (const auto link : {link_by_proc, link_by_descriptor}) {
    const UniqueFd fd = make();
    EXPECT_EQ(::write(fd.get(), "hello", 5), 5);
    EXPECT_EQ(link(fd, at("f")), 0);
    EXPECT_EQ(status_of(fd).st_nlink, 1U);
    EXPECT_EQ(status_of(fd).st_ino, status(at("f")).st_ino);
    EXPECT_EQ(content(at("f")), "hello");
    EXPECT_EQ(content(source("f")), "hello");
    EXPECT_EQ(::unlink(at("f").c_str()), 0);
  }
}

TEST_F(MountTmpfile, GetsASecondNameAsAnyFileAndNoneOnceTheLastIsGone) {
  const UniqueFd fd = make();
  EXPECT_EQ(link_by_proc(fd, at("f")), 0);
  EXPECT_EQ(link_by_proc(fd, at("g")), 0);
  EXPECT_EQ(status(source("g")).st_nlink, 2U);
  EXPECT_EQ(::unlink(at("f").c_str()), 0);
  EXPECT_EQ(::unlink(at("g").c_str()), 0);
  EXPECT_EQ(link_by_proc(fd, at("h")), ENOENT);
}

TEST_F(MountTmpfile, DoesNotReplaceWhatHasTheNameAlready) {
  make_file(at("f"), "there");
  const UniqueFd fd = make();
  EXPECT_EQ(link_by_proc(fd, at("f")), EEXIST);
  EXPECT_EQ(content(source("f")), "there");
  EXPECT_EQ(link_by_proc(fd, at("g")), 0) << "after a link that failed";
}

TEST_F(MountTmpfile, MadeExclusivelyNeverGetsAName) {
  const UniqueFd fd = make(O_RDWR | O_EXCL);
  EXPECT_EQ(link_by_proc(fd, at("f")), ENOENT);
  EXPECT_EQ(link_by_descriptor(fd, at("f")), ENOENT);
  EXPECT_FALSE(exists(source("f")));
}

TEST_F(MountTmpfile, IsRefusedWhereItIsOnTheSource) {
  make_file(at("f"), "");
  for (const int flags : {O_TMPFILE | O_RDONLY, O_TMPFILE | O_WRONLY | O_CREAT}) {
    EXPECT_EQ(error_of(::open(fixture().mountpoint().c_str(), flags, 0600)),
              error_of(::open(source(".").c_str(), flags, 0600)))
        << flags;
  }
  EXPECT_EQ(error_of(::open(at("f").c_str(), O_TMPFILE | O_RDWR, 0600)), ENOTDIR);
  EXPECT_EQ(error_of(::open(at("nowhere").c_str(), O_TMPFILE | O_RDWR, 0600)), ENOENT);
}

TEST_F(MountTmpfile, NeedsPermissionToWriteInTheDirectory) {
  const std::string directory = fixture().mountpoint();
  EXPECT_EQ(run_as(User{}, [&] { return error_of(::open(directory.c_str(), O_TMPFILE | O_RDWR, 0600)); }),
            EACCES);
}

TEST_F(MountTmpfile, BelongsToItsMakerAndIsMaskedByTheUmask) {
  ASSERT_EQ(::chmod(source(".").c_str(), 0777), 0);
  const std::string directory = fixture().mountpoint();
  const std::string name = at("f");
  const auto make_as_user = [&] {
    ::umask(0027);
    const UniqueFd fd(::open(directory.c_str(), O_TMPFILE | O_RDWR, 04777));
    return fd.valid() ? link_by_proc(fd, name) : errno;
  };
  ASSERT_EQ(run_as(User{.uid = 1234, .gid = 5678, .groups = {}}, make_as_user), 0);
  EXPECT_EQ(status(source("f")).st_uid, 1234U);
  EXPECT_EQ(status(source("f")).st_gid, 5678U);
  EXPECT_EQ(mode_of(source("f")), 04750U);
}

TEST_F(MountTmpfile, TakesTheGroupOfASetgidDirectory) {
  ASSERT_EQ(::mkdir(at("d").c_str(), 0755), 0);
  ASSERT_EQ(::chown(at("d").c_str(), 0, 4321), 0);
  ASSERT_EQ(::chmod(at("d").c_str(), 02755), 0);
  const UniqueFd fd = open_file(at("d"), O_TMPFILE | O_RDWR, 0640);
  EXPECT_EQ(status_of(fd).st_gid, 4321U);
}

TEST_F(MountTmpfile, WithoutAnyPermissionIsStillItsMakers) {
  const UniqueFd fd = make(O_RDWR, 0);
  EXPECT_EQ(::write(fd.get(), "hello", 5), 5);
  EXPECT_EQ(::fsync(fd.get()), 0);
  EXPECT_EQ(link_by_proc(fd, at("f")), 0);
  EXPECT_EQ(mode_of(source("f")), 0U);
}

TEST_F(MountTmpfile, TakesAttributesAndMappingsAsAnyFile) {
  const UniqueFd fd = make();
  EXPECT_EQ(::ftruncate(fd.get(), 8192), 0);
  EXPECT_EQ(::fchmod(fd.get(), 0600), 0);
  EXPECT_EQ(::fsetxattr(fd.get(), "user.a", "x", 1, 0), 0);
  {
    const Mapping mapping(fd.get(), 8192, MAP_SHARED);
    mapping.bytes()[4096] = 'm';
    EXPECT_EQ(mapping.sync(MS_SYNC), 0);
  }
  const UniqueFd again = open_file(proc_path(fd), O_RDONLY);
  char byte = 0;
  EXPECT_EQ(::pread(again.get(), &byte, 1, 4096), 1);
  EXPECT_EQ(byte, 'm');
  EXPECT_EQ(link_by_proc(fd, at("f")), 0);
  EXPECT_EQ(xattr(source("f"), "user.a"), "x");
  EXPECT_EQ(mode_of(source("f")), 0600U);
}

TEST_F(MountTmpfile, ThatIsClosedGivesItsInodeBack) {
  const auto free_inodes = [&] {
    struct statvfs statistics {};
    EXPECT_EQ(::statvfs(source(".").c_str(), &statistics), 0);
    return statistics.f_ffree;
  };
  const auto before = free_inodes();
  if (before == 0) GTEST_SKIP() << "the source's file system does not count free inodes";
  for (int i = 0; i < 200; ++i) {
    const UniqueFd fd = make();
    EXPECT_EQ(::write(fd.get(), "x", 1), 1);
  }
  // Others use the file system as well.
  EXPECT_GT(free_inodes() + 100, before);
}

TEST_F(MountTmpfile, IsDirtyUntilItIsSyncedAndElidedAfterwards) {
  if (!is_tracked()) GTEST_SKIP() << kOnlyTracked;
  const UniqueFd fd = make();
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(::fdatasync(fd.get()), 0); }), kOneSync);
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(::fdatasync(fd.get()), 0); }), kElided);
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(::fsync(fd.get()), 0); }), kOneSync);
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(::fsync(fd.get()), 0); }), kElided);
}

/// The file cannot be found without it, so it is data of the file, as the creation of a name is.
TEST_F(MountTmpfile, ItsFirstNameIsDataAndTheSecondIsNot) {
  if (!is_tracked()) GTEST_SKIP() << kOnlyTracked;
  const UniqueFd fd = make();
  EXPECT_EQ(::write(fd.get(), "hello", 5), 5);
  EXPECT_EQ(::fsync(fd.get()), 0);
  EXPECT_EQ(link_by_proc(fd, at("f")), 0);
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(::fdatasync(fd.get()), 0); }), kOneSync);
  EXPECT_EQ(::fsync(fd.get()), 0);
  EXPECT_EQ(link_by_proc(fd, at("g")), 0);
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(::fdatasync(fd.get()), 0); }), kElided);
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(::fsync(fd.get()), 0); }), kOneSync);
}

TEST_F(MountTmpfile, TouchesNothingOfItsDirectory) {
  const UniqueFd directory = open_file(fixture().mountpoint(), O_RDONLY | O_DIRECTORY);
  EXPECT_EQ(::fsync(directory.get()), 0);
  const UniqueFd fd = make();
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(::fsync(directory.get()), 0); }), kElided);
  EXPECT_EQ(link_by_proc(fd, at("f")), 0);
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(::fsync(directory.get()), 0); }), kOneSync);
}

}  // namespace
}  // namespace sluice::testing
