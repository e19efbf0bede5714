#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <fmt/format.h>

#include "parity_test.h"

namespace sluice::testing::parity {
namespace {

PARITY_TEST(Follow, RelativeAbsoluteAndThroughDirectories) {
  at.make_directory("d");
  at.make_file("d/f", "text");
  const auto link = [&](const std::string& target, const char* name) {
    at.require(::symlink(target.c_str(), name) == 0, name);
  };
  link("d", "to d");
  link("to d", "to to d");
  link("../d/f", "d/up and down");
  link(at.directory() + "/d/f", "absolute");
  link("/etc/hostname", "outside");
  link("/proc/self/cwd", "here");
  for (const char* const name : {"to d/f", "to to d/f", "d/up and down", "to d/up and down", "here/d/f"}) {
    at.content(name);
    CALL(::access(name, R_OK));
  }
  at.content("absolute");
  OPEN(::open("outside", O_RDONLY));
  CALL(::rename("to d/f", "to d/g"));
  CALL(::mkdir("to d/e", 0755));
  CALL(::rmdir("to d"));
  CALL(::rmdir("to d/"));
  CALL(::unlink("to d"));
  // Where it leads has another length in each place.
  at.require(::unlink("absolute") == 0, "unlink");
}

PARITY_TEST(Follow, WhatSomebodyElseLinkedInADirectoryForAll) {
  // What happens depends on fs.protected_symlinks, and is the same.
  at.make_file("mine", "text");
  at.as_root([&] {
    at.make_directory("sticky", 01777);
    at.make_directory("open", 0777);
    for (const char* const name : {"sticky/theirs", "open/theirs"}) {
      at.require(::symlink("../mine", name) == 0 && ::lchown(name, kStranger, kForeignGroup) == 0, name);
    }
  });
  at.require(::symlink("../mine", "sticky/own") == 0, "symlink");
  for (const char* const name : {"sticky/theirs", "open/theirs", "sticky/own"}) at.content(name);
}

PARITY_TEST(Follow, WhatSomebodyElseMadeInADirectoryForAllIsOpenedToCreate) {
  // The same holds for fs.protected_regular and fs.protected_fifos.
  at.as_root([&] {
    at.make_directory("sticky", 01777);
    at.make_file("sticky/f", "text", 0666);
    at.require(::mkfifo("sticky/p", 0666) == 0 && ::chmod("sticky/p", 0666) == 0, "mkfifo");
  });
  OPEN(::open("sticky/f", O_RDWR | O_CREAT, 0644));
  OPEN(::open("sticky/p", O_RDWR | O_CREAT | O_NONBLOCK, 0644));
}

PARITY_TEST(Follow, AsOpenat2Allows) {
  at.make_directory("d");
  at.make_file("d/f", "text");
  at.make_file("f", "text");
  at.require(::symlink("../f", "d/up") == 0 && ::symlink("f", "d/beside") == 0, "symlink");
  at.require(::symlink("/etc/hostname", "d/outside") == 0, "symlink");
  const UniqueFd directory(::open("d", O_RDONLY | O_DIRECTORY));
  for (const int how :
       {RESOLVE_BENEATH, RESOLVE_IN_ROOT, RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV, RESOLVE_NO_MAGICLINKS}) {
    for (const char* const name : {"f", "up", "beside", "outside", "../f", ".."}) {
      open_how asked{.flags = O_RDONLY, .mode = 0, .resolve = static_cast<std::uint64_t>(how)};
      at.open(fmt::format("openat2 {} {}", name, how), [&] {
        return static_cast<int>(::syscall(SYS_openat2, directory.get(), name, &asked, sizeof asked));
      });
    }
  }
}

/// A handle with room for every file system's.
struct Handle {
  alignas(file_handle) char bytes[sizeof(file_handle) + MAX_HANDLE_SZ]{};
  int mount_id = 0;
  [[nodiscard]] file_handle* get() { return reinterpret_cast<file_handle*>(bytes); }
  int take(const char* path, int flags = 0) {
    get()->handle_bytes = MAX_HANDLE_SZ;
    return ::name_to_handle_at(AT_FDCWD, path, get(), &mount_id, flags);
  }
};

PARITY_TEST(FileHandle, IsGivenToEverybodyAndOpenedByRoot) {
  at.make_file("f", "text");
  at.make_directory("d");
  at.require(::symlink("f", "l") == 0, "symlink");
  const UniqueFd mount(::open(".", O_RDONLY | O_DIRECTORY));
  for (const char* const name : {"f", "d", "l", ".", "absent"}) {
    Handle handle;
    const int taken = at.call(fmt::format("name_to_handle_at {}", name), [&] { return handle.take(name); });
    if (taken != 0) continue;
    const UniqueFd fd =
        at.open("open_by_handle_at", [&] { return ::open_by_handle_at(mount.get(), handle.get(), O_PATH); });
    at.show(fd);
  }
  Handle small;
  small.get()->handle_bytes = 0;
  CALL(::name_to_handle_at(AT_FDCWD, "f", small.get(), &small.mount_id, 0));
  at.note("says how much is needed", small.get()->handle_bytes > 0);
}

PARITY_TEST(FileHandle, OfARemovedFileIsStale) {
  at.make_file("f", "text");
  const UniqueFd mount(::open(".", O_RDONLY | O_DIRECTORY));
  Handle handle;
  at.require(handle.take("f") == 0, "name_to_handle_at");
  {
    const UniqueFd open(::open("f", O_RDONLY));
    CALL(::unlink("f"));
  }
  // A mount hears of the last close a little later (fuse_file_put).
  const auto open = [&] { return ::open_by_handle_at(mount.get(), handle.get(), O_RDONLY); };
  for (int tries = 0; tries < 1000 && UniqueFd(open()).valid(); ++tries) ::usleep(1000);
  OPEN(open());
}

PARITY_TEST(FileHandle, OfNothingIsStale) {
  at.make_file("f", "text");
  const UniqueFd mount(::open(".", O_RDONLY | O_DIRECTORY));
  Handle handle;
  at.require(handle.take("f") == 0, "name_to_handle_at");
  for (std::size_t i = 0; i < handle.get()->handle_bytes; ++i) {
    handle.bytes[sizeof(file_handle) + i] = static_cast<char>(handle.bytes[sizeof(file_handle) + i] ^ 0x25);
  }
  OPEN(::open_by_handle_at(mount.get(), handle.get(), O_RDONLY));
}

}  // namespace
}  // namespace sluice::testing::parity
