#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "parity_test.h"

namespace sluice::testing::parity {
namespace {

/// One of each kind of thing to open.
void make_targets(Place& at) {
  at.make_file("file", "content");
  at.make_file("unreadable", "content", 0);
  at.make_directory("directory");
  at.make_directory("closed", 0);
  at.require(::symlink("file", "to file") == 0, "symlink");
  at.require(::symlink("directory", "to directory") == 0, "symlink");
  at.require(::symlink("nowhere", "dangling") == 0, "symlink");
  at.require(::mkfifo("fifo", 0600) == 0, "mkfifo");
  at.as_root([&] {
    at.make_file("theirs", "content", 0644);
    at.make_file("secret", "content", 0600);
    at.make_file("setid", "content", 06777);
  });
  for (const char* const name : {"file", "directory", "theirs", "setid"}) at.make_old(name);
}

constexpr const char* kTargets[] = {"file",          "file/",   "unreadable", "directory", "directory/",
                                    "closed",        "to file", "to file/",   "dangling",  "to directory",
                                    "to directory/", "fifo",    "theirs",     "secret",    "setid",
                                    "absent",        "file/x",  "absent/x",   ".",         ".."};

/// Opens each target with the flags, both alone and with O_NONBLOCK, which lets a pipe be opened.
void open_each(Place& at, int flags) {
  make_targets(at);
  for (const char* const target : kTargets) {
    const UniqueFd fd = at.open(fmt::format("open \"{}\" {:o}", target, flags),
                                [&] { return ::open(target, flags | O_NONBLOCK, 0644); });
    if (!fd.valid()) continue;
    at.note("flags", ::fcntl(fd.get(), F_GETFL));
    at.show(fd);
    at.note("position", ::lseek(fd.get(), 0, SEEK_CUR) < 0 ? errno : 0);
    if ((flags & O_PATH) != 0) at.note("read", ::read(fd.get(), nullptr, 0) < 0 ? errno : 0);
  }
}

struct Way {
  const char* name;
  int flags;
};
constexpr Way kWays[] = {
    {"ReadOnly", O_RDONLY},
    {"WriteOnly", O_WRONLY},
    {"ReadAndWrite", O_RDWR},
    {"WithTheAccessModeThatIsNone", O_ACCMODE},
    {"Truncating", O_WRONLY | O_TRUNC},
    {"TruncatingForReading", O_RDONLY | O_TRUNC},
    {"TruncatingForBoth", O_RDWR | O_TRUNC},
    {"Appending", O_WRONLY | O_APPEND},
    {"AppendingAndTruncating", O_RDWR | O_APPEND | O_TRUNC},
    {"Creating", O_WRONLY | O_CREAT},
    {"CreatingForReading", O_RDONLY | O_CREAT},
    {"CreatingExclusively", O_RDWR | O_CREAT | O_EXCL},
    {"CreatingOrTruncating", O_RDWR | O_CREAT | O_TRUNC},
    {"CreatingWithoutFollowing", O_RDWR | O_CREAT | O_NOFOLLOW},
    {"CreatingADirectory", O_RDONLY | O_CREAT | O_DIRECTORY},
    {"CreatingToAppend", O_WRONLY | O_CREAT | O_APPEND},
    {"ExclusivelyWithoutCreating", O_RDONLY | O_EXCL},
    {"Directories", O_RDONLY | O_DIRECTORY},
    {"DirectoriesForWriting", O_RDWR | O_DIRECTORY},
    {"WithoutFollowing", O_RDONLY | O_NOFOLLOW},
    {"DirectoriesWithoutFollowing", O_RDONLY | O_NOFOLLOW | O_DIRECTORY},
    {"AsAPath", O_PATH},
    {"AsAPathWithoutFollowing", O_PATH | O_NOFOLLOW},
    {"AsAPathOfADirectory", O_PATH | O_DIRECTORY},
    {"WithoutAccessTime", O_RDONLY | O_NOATIME},
    {"WritingWithoutAccessTime", O_RDWR | O_NOATIME},
    {"Synchronously", O_RDWR | O_SYNC},
    {"DataSynchronously", O_RDWR | O_DSYNC},
    {"Directly", O_RDWR | O_DIRECT},
    {"DirectlyCreating", O_RDWR | O_DIRECT | O_CREAT},
    {"WithSignals", O_RDWR | O_ASYNC},
    {"Large", O_RDONLY | O_LARGEFILE | O_NOCTTY},
};

/// A test for each way to open, which opens each target so.
[[maybe_unused]] const bool all_ways_registered = [] {
  for (const auto& [name, flags] : kWays) {
    const ParityRegistration registration("Open", name, __FILE__, __LINE__,
                                          [flags = flags](Place& at) { open_each(at, flags); });
  }
  return true;
}();

PARITY_TEST(Open, TruncationChangesTheTimesOfAnEmptyFileToo) {
  at.make_file("empty");
  at.make_old("empty");
  OPEN(::open("empty", O_WRONLY | O_TRUNC));
  at.show("empty");
  at.make_old("empty");
  OPEN(::open("empty", O_WRONLY | O_CREAT | O_TRUNC, 0644));
  at.show("empty");
}

PARITY_TEST(Open, CreationOfWhatIsThereChangesNoTimes) {
  at.make_file("f", "text");
  at.make_old("f");
  at.make_old(".");
  OPEN(::open("f", O_RDWR | O_CREAT, 0600));
  at.show("f");
  at.show(".");
}

PARITY_TEST(Open, AFileMadeForReadingOnlyIsRead) {
  const UniqueFd fd = OPEN(::open("f", O_RDONLY | O_CREAT, 0222));
  char byte = 0;
  CALL(::read(fd.get(), &byte, 1));
  CALL(::write(fd.get(), &byte, 1));
}

PARITY_TEST(Open, WhatIsOpenForWritingIsNotExecuted) {
  at.make_file("program", "#!/bin/sh\n", 0755);
  const UniqueFd writer = OPEN(::open("program", O_WRONLY));
  char* const arguments[] = {nullptr};
  CALL(::execve("program", arguments, arguments));
}

PARITY_TEST(Open, AgainByWayOfADescriptor) {
  at.make_file("f", "text", 0600);
  const UniqueFd path(::open("f", O_PATH));
  const std::string name = "/proc/self/fd/" + std::to_string(path.get());
  for (const int flags : {O_RDONLY, O_WRONLY, O_RDWR | O_TRUNC, O_RDONLY | O_DIRECTORY}) {
    const UniqueFd again =
        at.open("open again " + std::to_string(flags), [&] { return ::open(name.c_str(), flags); });
    at.show(again);
  }
}

PARITY_TEST(Open, TheEmptyPathAndOthersThatAreNone) {
  OPEN(::open("", O_RDONLY));
  OPEN(::openat(-1, "f", O_RDONLY));
  at.make_file("f");
  const UniqueFd file(::open("f", O_RDONLY));
  OPEN(::openat(file.get(), "x", O_RDONLY));
  OPEN(::openat(file.get(), "", O_RDONLY));
}

}  // namespace
}  // namespace sluice::testing::parity
