#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstdlib>

#include <fmt/format.h>

#include "parity_test.h"

namespace sluice::testing::parity {
namespace {

PARITY_TEST(Link, IsASecondNameOfOneInode) {
  at.make_file("f", "text");
  at.make_old("f");
  at.make_old(".");
  CALL(::link("f", "g"));
  at.show("f");
  at.show("g");
  at.show(".");
  struct stat f {};
  struct stat g {};
  at.require(::stat("f", &f) == 0 && ::stat("g", &g) == 0, "stat");
  at.note("one inode", f.st_ino == g.st_ino && f.st_dev == g.st_dev);
  CALL(::unlink("f"));
  at.show("g");
}

PARITY_TEST(Link, OfEveryKindOfInode) {
  at.make_directory("d");
  at.require(::symlink("nowhere", "l") == 0 && ::mkfifo("p", 0600) == 0, "make");
  for (const char* const name : {"d", "l", "p", "absent", "absent/x", ".", ".."}) {
    CALL(::link(name, (std::string("new ") + std::to_string(std::hash<std::string>()(name))).c_str()));
  }
  CALL(::linkat(AT_FDCWD, "l", AT_FDCWD, "followed", AT_SYMLINK_FOLLOW));
  CALL(::linkat(AT_FDCWD, "p", AT_FDCWD, "flags", 0x8000));
}

PARITY_TEST(Link, ToWhatIsThereFails) {
  at.make_file("f");
  at.make_file("g");
  at.make_directory("d");
  at.require(::symlink("nowhere", "l") == 0, "symlink");
  for (const char* const name : {"f", "g", "d", "l", ".", "..", "g/x", "absent/x", "new/", "", "d/"})
    CALL(::link("f", name));
}

PARITY_TEST(Link, OfAFileOfSomebodyElse) {
  at.as_root([&] {
    at.make_file("readable", "", 0644);
    at.make_file("writable", "", 0666);
    at.make_file("setuid", "", 04666);
    at.make_file("setgid", "", 02676);
  });
  for (const char* const name : {"readable", "writable", "setuid", "setgid"}) {
    CALL(::link(name, (std::string("new ") + name).c_str()));
  }
}

PARITY_TEST(Link, ByDescriptor) {
  at.make_file("f", "text");
  const UniqueFd fd(::open("f", O_RDONLY));
  CALL(::linkat(fd.get(), "", AT_FDCWD, "by empty path", AT_EMPTY_PATH));
  CALL(::linkat(AT_FDCWD, ("/proc/self/fd/" + std::to_string(fd.get())).c_str(), AT_FDCWD, "by proc",
                AT_SYMLINK_FOLLOW));
  at.show(fd);
}

PARITY_TEST(Link, OfAFileWithoutANameFails) {
  at.make_file("f", "text");
  const UniqueFd fd(::open("f", O_RDWR));
  CALL(::unlink("f"));
  at.show(fd);
  CALL(::linkat(fd.get(), "", AT_FDCWD, "again", AT_EMPTY_PATH));
  CALL(::linkat(AT_FDCWD, ("/proc/self/fd/" + std::to_string(fd.get())).c_str(), AT_FDCWD, "again",
                AT_SYMLINK_FOLLOW));
}

PARITY_TEST(Link, CountEndsWhereTheFileSystemSays) {
  // ext4: 65,000. btrfs: 65,535 in all, and fewer in one directory. XFS has no end that could be reached.
  const bool is_long = at.file_system() != FileSystem::ext4 && std::getenv("SLUICE_TEST_LONG") == nullptr;
  if (is_long || at.file_system() == FileSystem::xfs || !at.is_in_sample()) return;
  at.spare_tree();
  at.make_file("f");
  at.make_directory("d");
  int error = 0;
  int count = 1;
  for (; count <= 66'000 && error == 0; ++count) {
    if (::link("f", fmt::format("d/{}", count).c_str()) != 0) error = errno;
  }
  at.note("links", count);
  at.note("error", error_name(error));
  at.show("f");
  CALL(::unlink("d/1"));
  CALL(::link("f", "d/1"));
}

PARITY_TEST(Symlink, LeadsWhereItWasToldTo) {
  at.make_old(".");
  for (const char* const target : {"f", "/", "", "..", "a/b/c", "\xff\xfe", " "}) {
    const std::string name = "to " + std::to_string(std::hash<std::string>()(target));
    CALL(::symlink(target, name.c_str()));
    at.show(name);
  }
  at.show(".");
}

PARITY_TEST(Symlink, OfTheLongestTargets) {
  for (const std::size_t size : {58U, 59U, 60U, 255U, 1023U, 1024U, 3000U, 4094U, 4095U, 4096U, 5000U}) {
    const std::string target(size, 't');
    const std::string name = std::to_string(size);
    at.call("symlink of " + name, [&] { return ::symlink(target.c_str(), name.c_str()); });
    std::array<char, PATH_MAX + 1> read{};
    const auto got = CALL(::readlink(name.c_str(), read.data(), read.size()));
    if (got > 0) at.note("target", printable(std::string_view(read.data(), static_cast<std::size_t>(got))));
    CALL(::readlink(name.c_str(), read.data(), 10));
    CALL(::readlink(name.c_str(), read.data(), 0));
  }
}

PARITY_TEST(Symlink, ToWhatIsThereFails) {
  at.make_file("f");
  at.make_directory("d");
  for (const char* const name : {"f", "d", ".", "..", "f/x", "absent/x", "", "new/"})
    CALL(::symlink("t", name));
}

PARITY_TEST(Symlink, ReadlinkOfWhatIsNone) {
  at.make_file("f");
  std::array<char, 16> read{};
  for (const char* const name : {"f", ".", "absent", "f/x", ""})
    CALL(::readlink(name, read.data(), read.size()));
}

PARITY_TEST(Symlink, HasAttributesOfItsOwn) {
  at.require(::symlink("nowhere", "l") == 0, "symlink");
  CALL(::lchown("l", static_cast<uid_t>(-1), at.caller().is_root() ? kForeignGroup : at.caller().gid));
  CALL(::fchmodat(AT_FDCWD, "l", 0600, AT_SYMLINK_NOFOLLOW));
  const timespec times[2] = {{1, 2}, {3, 4}};
  CALL(::utimensat(AT_FDCWD, "l", times, AT_SYMLINK_NOFOLLOW));
  at.show("l");
  CALL(::chmod("l", 0600));
}

PARITY_TEST(Unlink, RemovesEveryKindButDirectories) {
  at.make_file("f");
  at.make_directory("d");
  at.require(::symlink("d", "l") == 0 && ::mkfifo("p", 0600) == 0, "make");
  at.make_old(".");
  for (const char* const name : {"d", "l/", "f/", "f/x", "absent", ".", "..", "", "/", "f", "l", "p", "f"}) {
    CALL(::unlink(name));
  }
  CALL(::unlinkat(AT_FDCWD, "d", AT_REMOVEDIR | 1));
  at.show(".");
}

PARITY_TEST(Unlink, NeedsTheDirectoryAndNotTheFile) {
  at.as_root([&] {
    at.make_file("secret", "", 0);
    at.make_directory("theirs");
    at.make_file("theirs/f", "", 0666);
  });
  CALL(::unlink("theirs/f"));
  CALL(::unlink("secret"));
}

PARITY_TEST(Unlink, AStickyDirectoryKeepsTheFilesOfOthers) {
  at.as_root([&] {
    at.make_directory("sticky", 01777);
    at.make_file("sticky/theirs", "", 0666);
    at.make_directory("sticky/their directory", 0777);
  });
  at.make_file("sticky/own");
  CALL(::unlink("sticky/theirs"));
  CALL(::rmdir("sticky/their directory"));
  CALL(::rename("sticky/theirs", "sticky/renamed"));
  CALL(::rename("sticky/own", "sticky/theirs"));
  CALL(::unlink("sticky/own"));
}

}  // namespace
}  // namespace sluice::testing::parity
