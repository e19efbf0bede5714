#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "parity_test.h"

namespace sluice::testing::parity {
namespace {

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

constexpr int kMany = 1500;  // More than one buffer holds.

std::string numbered(int number) {
  return fmt::format("a name of some length, number {}", number);
}

/// The order and the offsets are the file system's own and differ between directories, which hash names by a
/// seed or number inodes; so names are compared sorted, and relations between calls.
std::vector<std::string> rest_of(DIR* directory) {
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(directory)) names.emplace_back(entry->d_name);
  return names;
}

void note_sorted(Place& at, std::string_view label, std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  at.note(label, printable(fmt::format("{}", fmt::join(names, "/"))));
}

PARITY_TEST(Readdir, TellsEveryType) {
  at.make_file("f");
  at.make_directory("d");
  at.require(::symlink("nowhere", "l") == 0 && ::mkfifo("p", 0600) == 0, "make");
  at.require(::mknod("s", S_IFSOCK | 0600, 0) == 0, "mknod");
  at.as_root([&] {
    at.require(::mknod("c", S_IFCHR | 0600, 1) == 0 && ::mknod("b", S_IFBLK | 0600, 1) == 0, "mknod");
  });
  at.names(".");
  at.names("d");
  at.names("f");
  at.names("absent");
  at.names("l");
}

PARITY_TEST(Readdir, TellsTheInodeThatStatTells) {
  for (int i = 0; i < 50; ++i) at.make_file(numbered(i));
  at.make_directory("d");
  for (const bool looked_at_before : {false, true}) {
    const Directory directory(::opendir("."));
    int same = 0;
    int dots = 0;
    while (const dirent* entry = ::readdir(directory.get())) {
      struct stat status {};
      at.require(::lstat(entry->d_name, &status) == 0, entry->d_name);
      const bool is_dot = entry->d_name == std::string_view(".") || entry->d_name == std::string_view("..");
      (is_dot ? dots : same) += status.st_ino == entry->d_ino ? 1 : 0;
    }
    at.note("looked at before", looked_at_before);
    at.note("same inodes", same);
    at.note("same inodes of dots", dots);
  }
}

PARITY_TEST(Readdir, ListsManyEntriesOnceEach) {
  if (!at.is_in_sample()) return;
  at.spare_tree();
  for (int i = 0; i < kMany; ++i) at.make_file(numbered(i));
  const Directory directory(::opendir("."));
  const std::vector<std::string> names = rest_of(directory.get());
  at.note("entries", names.size());
  note_sorted(at, "names", names);
  ::rewinddir(directory.get());
  at.note("the same order again", rest_of(directory.get()) == names);
}

PARITY_TEST(Readdir, OffsetsLeadBackToEveryEntry) {
  if (!at.is_in_sample()) return;
  at.spare_tree();
  for (int i = 0; i < kMany; ++i) at.make_file(numbered(i));
  const Directory directory(::opendir("."));
  std::vector<std::pair<long, std::string>> places;
  while (true) {
    const long place = ::telldir(directory.get());
    const dirent* const entry = ::readdir(directory.get());
    if (entry == nullptr) break;
    places.emplace_back(place, entry->d_name);
  }
  at.note("places", places.size());
  std::set<long> offsets;
  for (const auto& [place, name] : places) offsets.insert(place);
  at.note("different offsets", offsets.size());
  int found = 0;
  for (std::size_t i = 0; i < places.size(); i += 41) {
    const auto& [place, name] = places[places.size() - 1 - i];
    ::seekdir(directory.get(), place);
    const dirent* const entry = ::readdir(directory.get());
    if (entry != nullptr && entry->d_name == name) ++found;
  }
  at.note("found again", found);
  const Directory another(::opendir("."));
  ::seekdir(another.get(), places[kMany / 2].first);
  const dirent* const entry = ::readdir(another.get());
  at.note("by another descriptor", entry != nullptr && entry->d_name == places[kMany / 2].second);
}

PARITY_TEST(Readdir, WhatIsRemovedWhileReadComesAtMostOnce) {
  if (!at.is_in_sample()) return;
  at.spare_tree();
  for (int i = 0; i < kMany; ++i) at.make_file(numbered(i));
  const Directory directory(::opendir("."));
  int read = 0;
  std::set<std::string> seen;
  bool twice = false;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    twice |= !seen.insert(name).second;
    at.require(::unlink(name.c_str()) == 0, name);
    ++read;
  }
  at.note("entries", read);
  at.note("one came twice", twice);
  at.names(".");
}

PARITY_TEST(Readdir, WhatStaysWhileOthersComeAndGoIsListedOnce) {
  if (!at.is_in_sample()) return;
  at.spare_tree();
  for (int i = 0; i < kMany; ++i) at.make_file(numbered(i));
  const Directory directory(::opendir("."));
  std::multiset<std::string> seen;
  int step = 0;
  while (const dirent* entry = ::readdir(directory.get())) {
    seen.insert(entry->d_name);
    if (++step % 10 != 0) continue;
    const std::string extra = fmt::format("new {}", step);
    at.require(::close(::open(extra.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644)) == 0, extra);
    if (step % 20 == 0) at.require(::unlink(extra.c_str()) == 0, extra);
  }
  int once = 0;
  for (int i = 0; i < kMany; ++i) once += seen.count(numbered(i)) == 1 ? 1 : 0;
  at.note("entries that stayed, once", once);
}

PARITY_TEST(Readdir, RewindingShowsWhatCameSince) {
  at.make_file("first");
  const Directory directory(::opendir("."));
  note_sorted(at, "before", rest_of(directory.get()));
  at.make_file("second");
  at.require(::unlink("first") == 0, "unlink");
  ::rewinddir(directory.get());
  note_sorted(at, "after", rest_of(directory.get()));
}

PARITY_TEST(Readdir, OfARemovedDirectoryIsEmpty) {
  at.make_directory("d");
  const Directory directory(::opendir("d"));
  CALL(::rmdir("d"));
  const std::vector<std::string> names = rest_of(directory.get());
  at.note("names", fmt::format("{}", fmt::join(names, " ")));
  std::array<char, 1024> records{};
  CALL(::syscall(SYS_getdents64, ::dirfd(directory.get()), records.data(), records.size()));
}

PARITY_TEST(Readdir, BySmallBuffersAndWrongOnes) {
  at.make_file("f");
  at.make_file(std::string(200, 'n'));
  std::array<char, 4096> records{};
  const auto get = [&](const UniqueFd& fd, std::size_t size) {
    return ::syscall(SYS_getdents64, fd.get(), records.data(), size);
  };
  const UniqueFd fd(::open(".", O_RDONLY));
  at.call("no room at all", [&] { return get(fd, 0); });
  at.call("no room", [&] { return get(fd, 16); });
  const UniqueFd path(::open(".", O_PATH));
  at.call("of a path", [&] { return get(path, records.size()); });
  const UniqueFd file(::open("f", O_RDONLY));
  at.call("of a file", [&] { return get(file, records.size()); });
  int count = 0;
  while (get(fd, 280) > 0) ++count;
  at.note("ended with", error_name(errno));
  CALL(::lseek(fd.get(), 0, SEEK_SET));
  at.note("there was an answer", get(fd, records.size()) > 0);
  at.call("at the end", [&] { return get(fd, records.size()); });
  char byte = 0;
  const auto read_bytes = [&] { CALL(::read(fd.get(), &byte, 1)); };
  if (at.file_system() == FileSystem::btrfs) {
    at.exempt(exemptions::kReadOfDirectory, read_bytes);
  } else {
    read_bytes();
  }
  CALL(::lseek(fd.get(), -1, SEEK_SET));
}

PARITY_TEST(Readdir, NeedsPermissionToReadAndNotToSearch) {
  at.make_directory("no read", 0300);
  at.make_directory("no search", 0600);
  at.as_root([&] {
    at.make_file("no search/f");
    at.make_directory("theirs", 0711);
    at.make_file("theirs/f");
  });
  for (const char* const name : {"no read", "no search", "theirs"}) {
    at.names(name);
    at.show(std::string(name) + "/f");
  }
  at.require(::chmod("no read", 0700) == 0 && ::chmod("no search", 0700) == 0, "chmod");
}

PARITY_TEST(Readdir, ChangesTheAccessTime) {
  at.make_directory("d");
  at.make_file("d/f");
  at.make_old("d");
  at.names("d");
  at.show("d");
}

PARITY_TEST(Removed, AWorkingDirectoryThatIsGone) {
  const UniqueFd start(::open(".", O_RDONLY | O_DIRECTORY));
  at.make_directory("d");
  at.require(::chdir("d") == 0, "chdir");
  CALL(::rmdir("../d"));
  at.show(".");
  at.names(".");
  OPEN(::open("f", O_WRONLY | O_CREAT, 0644));
  CALL(::mkdir("e", 0755));
  CALL(::symlink("t", "l"));
  CALL(::rmdir("."));
  CALL(::chdir(".."));
  std::array<char, 4096> path{};
  at.note("getcwd", ::getcwd(path.data(), path.size()) == nullptr ? error_name(errno) : "a path");
  CALL(::access(".", W_OK));
  CALL(::chmod(".", 0700));
  at.require(::fchdir(start.get()) == 0, "fchdir");
}

PARITY_TEST(Removed, AnOpenFileLivesOn) {
  at.make_file("f", "text");
  const UniqueFd fd = OPEN(::open("f", O_RDWR));
  CALL(::unlink("f"));
  at.show(fd);
  CALL(::pwrite(fd.get(), "more", 4, 100));
  CALL(::fchmod(fd.get(), 0600));
  CALL(::ftruncate(fd.get(), 50));
  CALL(::fchown(fd.get(), static_cast<uid_t>(-1), at.caller().gid));
  const timespec times[2] = {{1, 2}, {3, 4}};
  CALL(::futimens(fd.get(), times));
  CALL(::fsync(fd.get()));
  at.show(fd);
  std::array<char, 64> bytes{};
  CALL(::pread(fd.get(), bytes.data(), bytes.size(), 0));
  const UniqueFd again = OPEN(::open(fmt::format("/proc/self/fd/{}", fd.get()).c_str(), O_RDWR | O_TRUNC));
  at.show(again);
}

PARITY_TEST(Removed, AnOpenFileWhoseNameIsTakenByAnother) {
  at.make_file("f", "old");
  const UniqueFd old = OPEN(::open("f", O_RDWR));
  CALL(::unlink("f"));
  at.make_file("f", "newer");
  const UniqueFd fresh = OPEN(::open("f", O_RDWR));
  at.show(old);
  at.show(fresh);
  CALL(::write(old.get(), "OLD", 3));
  at.content("f");
}

PARITY_TEST(Removed, AnOpenDirectoryIsLookedAtAndChanged) {
  at.make_directory("d");
  const UniqueFd fd = OPEN(::open("d", O_RDONLY | O_DIRECTORY));
  CALL(::rmdir("d"));
  at.show(fd);
  CALL(::fchmod(fd.get(), 0711));
  CALL(::fsync(fd.get()));
  at.show(fd);
  OPEN(::openat(fd.get(), "f", O_WRONLY | O_CREAT, 0644));
  CALL(::faccessat(fd.get(), ".", F_OK, 0));
  CALL(::faccessat(fd.get(), "absent", F_OK, 0));
  CALL(::mkdirat(fd.get(), "e", 0755));
}

PARITY_TEST(Removed, ASymlinkAndAPipeThatAreHeldByPath) {
  at.require(::symlink("target", "l") == 0 && ::mkfifo("p", 0600) == 0, "make");
  const UniqueFd link = OPEN(::open("l", O_PATH | O_NOFOLLOW));
  const UniqueFd pipe = OPEN(::open("p", O_PATH));
  CALL(::unlink("l"));
  CALL(::unlink("p"));
  std::array<char, 64> target{};
  CALL(::readlinkat(link.get(), "", target.data(), target.size()));
  at.show(link);
  at.show(pipe);
}

}  // namespace
}  // namespace sluice::testing::parity
