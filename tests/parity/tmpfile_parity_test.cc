#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <string>

#include "parity_test.h"

// Files without a name, and the names that they get.

namespace sluice::testing::parity {
namespace {

void link_by_proc(Place& at, const UniqueFd& fd, const std::string& name) {
  CALL(::linkat(AT_FDCWD, ("/proc/self/fd/" + std::to_string(fd.get())).c_str(), AT_FDCWD, name.c_str(),
                AT_SYMLINK_FOLLOW));
}

PARITY_TEST(Tmpfile, InEveryMode) {
  for (const int flags :
       {O_RDONLY, O_WRONLY, O_RDWR, O_RDWR | O_EXCL, O_RDWR | O_CREAT, O_RDWR | O_TRUNC, O_RDWR | O_APPEND}) {
    at.note("flags", flags);
    const UniqueFd fd = OPEN(::open(".", O_TMPFILE | flags, 0640));
    if (!fd.valid()) continue;
    at.show(fd);
    CALL(::fcntl(fd.get(), F_GETFL));
    CALL(::write(fd.get(), "hello", 5));
    char bytes[5];
    CALL(::pread(fd.get(), bytes, sizeof bytes, 0));
    at.names(".");
    link_by_proc(at, fd, "named " + std::to_string(flags));
    at.show(fd);
  }
}

PARITY_TEST(Tmpfile, WithEveryPermissionAndUmask) {
  for (const mode_t mask : {0U, 027U, 0777U}) {
    ::umask(mask);
    for (const mode_t mode : {0644U, 07777U, 0U}) {
      const UniqueFd fd = OPEN(::open(".", O_TMPFILE | O_RDWR, mode));
      at.show(fd);
      link_by_proc(at, fd, std::to_string(mask) + "-" + std::to_string(mode));
    }
  }
}

PARITY_TEST(Tmpfile, InDirectoriesOfOtherGroups) {
  for (const gid_t group : {kOwnGroup, kSharedGroup, kForeignGroup}) {
    const std::string directory = std::to_string(group);
    at.make_directory(directory);
    at.give(directory, at.caller().uid, group);
    at.as_root([&] { at.require(::chmod(directory.c_str(), 02777) == 0, "chmod"); });
    const UniqueFd fd = OPEN(::open(directory.c_str(), O_TMPFILE | O_RDWR, 02771));
    at.show(fd);
    link_by_proc(at, fd, directory + "/f");
  }
}

PARITY_TEST(Tmpfile, WhereThereCanBeNone) {
  at.make_file("f");
  at.as_root([&] { at.make_directory("theirs", 0755); });
  at.make_directory("closed", 0);
  at.make_directory("d");
  const UniqueFd removed = OPEN(::open("d", O_RDONLY | O_DIRECTORY));
  CALL(::rmdir("d"));
  for (const char* const path : {"f", "none", "theirs", "closed"})
    OPEN(::open(path, O_TMPFILE | O_RDWR, 0600));
  OPEN(::openat(removed.get(), ".", O_TMPFILE | O_RDWR, 0600));
}

PARITY_TEST(Tmpfile, IsLinkedAsOftenAsAnyFile) {
  at.make_file("there", "there");
  at.make_old(".");
  const UniqueFd fd = OPEN(::open(".", O_TMPFILE | O_RDWR, 0640));
  CALL(::fsync(fd.get()));
  at.show(".");
  link_by_proc(at, fd, "there");
  link_by_proc(at, fd, "first");
  at.show(".");
  link_by_proc(at, fd, "second");
  CALL(::link("first", "third"));
  at.show(fd);
  CALL(::fdatasync(fd.get()));
  for (const char* const name : {"first", "second", "third"}) CALL(::unlink(name));
  link_by_proc(at, fd, "again");
}

PARITY_TEST(Tmpfile, IsLinkedByItsDescriptorAlone) {
  const UniqueFd fd = OPEN(::open(".", O_TMPFILE | O_RDWR, 0640));
  CALL(::linkat(fd.get(), "", AT_FDCWD, "f", AT_EMPTY_PATH));
  const UniqueFd never = OPEN(::open(".", O_TMPFILE | O_RDWR | O_EXCL, 0640));
  CALL(::linkat(never.get(), "", AT_FDCWD, "g", AT_EMPTY_PATH));
}

PARITY_TEST(Tmpfile, IsChangedAsAnyFile) {
  const UniqueFd fd = OPEN(::open(".", O_TMPFILE | O_RDWR, 0640));
  CALL(::ftruncate(fd.get(), 10'000));
  CALL(::fallocate(fd.get(), 0, 0, 20'000));
  CALL(::fchmod(fd.get(), 0611));
  CALL(::fsetxattr(fd.get(), "user.a", "1", 1, 0));
  CALL(::fchown(fd.get(), static_cast<uid_t>(-1), kSharedGroup));
  const timespec times[2] = {{1'000'000'000, 1}, {1'000'000'000, 2}};
  CALL(::futimens(fd.get(), times));
  at.show(fd);
  link_by_proc(at, fd, "f");
}

}  // namespace
}  // namespace sluice::testing::parity
