#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "parity_test.h"

namespace sluice::testing::parity {
namespace {

constexpr const char* kFrom[] = {"file",   "twin",       "directory", "full", "link",  "fifo",
                                 "absent", "full/child", ".",         "..",   "file/", "directory/"};
constexpr const char* kTo[] = {"file",
                               "twin",
                               "directory",
                               "full",
                               "link",
                               "fifo",
                               "new",
                               "other",
                               "other/",
                               "empty",
                               "full/inner",
                               "full/x",
                               "full/directory/y",
                               ".",
                               "..",
                               "absent/x",
                               "file/x"};

void make_all(Place& at) {
  at.make_file("file", "text");
  at.require(::link("file", "twin") == 0, "link");
  at.make_file("other", "more");
  at.make_directory("directory");
  at.make_directory("empty");
  at.make_directory("full");
  at.make_file("full/child");
  at.make_directory("full/inner");
  at.require(::symlink("file", "link") == 0, "symlink");
  at.require(::mkfifo("fifo", 0600) == 0, "mkfifo");
  at.make_old(".");
  at.make_old("full");
}

/// Every pair; after one that came to something, in a new directory.
void rename_each(Place& at, unsigned flags) {
  if (!at.is_in_sample()) return;
  const std::string start = at.directory();
  int number = 0;
  for (const char* const from : kFrom) {
    bool is_fresh = false;
    for (const char* const to : kTo) {
      if (!is_fresh) {
        const std::string scene = fmt::format("{}/{}", start, number++);
        at.make_directory(scene);
        at.require(::chdir(scene.c_str()) == 0, "chdir");
        make_all(at);
      }
      is_fresh = at.call(fmt::format("rename {} to {}", from, to),
                         [&] { return ::renameat2(AT_FDCWD, from, AT_FDCWD, to, flags); }) != 0;
      at.show(".");
      at.show("full");
      at.show("twin");
    }
  }
  at.require(::chdir(start.c_str()) == 0, "chdir");
}

PARITY_TEST(Rename, Plain) {
  rename_each(at, 0);
}
PARITY_TEST(Rename, WithoutReplacing) {
  rename_each(at, RENAME_NOREPLACE);
}
PARITY_TEST(Rename, Exchanging) {
  rename_each(at, RENAME_EXCHANGE);
}
PARITY_TEST(Rename, LeavingAWhiteout) {
  rename_each(at, RENAME_WHITEOUT);
}

PARITY_TEST(Rename, FlagsThatContradict) {
  make_all(at);
  for (const unsigned flags : {3U, 5U, 6U, 7U, 8U, 1U << 31U, ~0U}) {
    at.call(fmt::format("rename with {:x}", flags),
            [&] { return ::renameat2(AT_FDCWD, "file", AT_FDCWD, "new", flags); });
  }
}

PARITY_TEST(Rename, AWhiteoutIsADeviceZero) {
  at.make_file("f", "text");
  CALL(::renameat2(AT_FDCWD, "f", AT_FDCWD, "g", RENAME_WHITEOUT));
  at.show("f");
  at.show("g");
  at.make_file("h");
  CALL(::renameat2(AT_FDCWD, "h", AT_FDCWD, "g", RENAME_WHITEOUT | RENAME_NOREPLACE));
}

PARITY_TEST(Rename, OfADirectoryAcrossParentsMovesTheLinkCount) {
  at.make_directory("a");
  at.make_directory("b");
  at.make_directory("a/d");
  at.make_file("a/d/f");
  CALL(::rename("a/d", "b/e"));
  at.show("a");
  at.show("b");
  at.show("b/e/f");
  at.show("b/e/..");
  CALL(::renameat2(AT_FDCWD, "b/e", AT_FDCWD, "a", RENAME_EXCHANGE));
}

PARITY_TEST(Rename, ExchangeOfADirectoryAndAFile) {
  at.make_directory("a");
  at.make_directory("b");
  at.make_directory("a/d");
  at.make_file("b/f", "text");
  CALL(::renameat2(AT_FDCWD, "a/d", AT_FDCWD, "b/f", RENAME_EXCHANGE));
  at.show("a");
  at.show("b");
  at.content("a/d");
  at.names("b/f");
}

PARITY_TEST(Rename, AnOpenFileThatIsReplacedLivesOn) {
  at.make_file("old", "old text");
  at.make_file("new", "new text");
  const UniqueFd fd = OPEN(::open("old", O_RDWR));
  CALL(::rename("new", "old"));
  at.show(fd);
  char bytes[16]{};
  CALL(::read(fd.get(), bytes, sizeof bytes));
  at.content("old");
}

PARITY_TEST(Rename, AnEmptyDirectoryThatIsReplacedIsGone) {
  at.make_directory("old");
  at.make_directory("new");
  at.make_file("new/f");
  const UniqueFd fd = OPEN(::open("old", O_RDONLY | O_DIRECTORY));
  CALL(::rename("new", "old"));
  at.show(fd);
  OPEN(::openat(fd.get(), "f", O_RDONLY));
  OPEN(::openat(fd.get(), "g", O_RDWR | O_CREAT, 0644));
}

PARITY_TEST(Rename, NeedsBothDirectories) {
  at.make_file("f");
  at.make_directory("d");
  at.as_root([&] {
    at.make_directory("theirs");
    at.make_file("theirs/g");
    at.make_directory("theirs/d");
  });
  CALL(::rename("f", "theirs/f"));
  CALL(::rename("theirs/g", "g"));
  CALL(::rename("theirs/d", "d2"));
  CALL(::renameat2(AT_FDCWD, "f", AT_FDCWD, "theirs/g", RENAME_EXCHANGE));
}

PARITY_TEST(Rename, ADirectoryOfSomebodyElseKeepsItsParent) {
  at.make_directory("a");
  at.make_directory("b");
  at.make_directory("a/theirs");
  at.give("a/theirs", kStranger, kForeignGroup);
  CALL(::rename("a/theirs", "a/renamed"));
  CALL(::rename("a/renamed", "b/renamed"));
}

PARITY_TEST(Rename, ToAnotherFileSystemFails) {
  at.make_file("f");
  CALL(::rename("f", "/dev/shm/sluice-parity"));
  CALL(::link("f", "/dev/shm/sluice-parity"));
}

}  // namespace
}  // namespace sluice::testing::parity
