#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <fmt/format.h>

#include "parity_test.h"

namespace sluice::testing::parity {
namespace {

/// All that statx(2) tells, but for what is not compared at all and what an exemption is for.
void show_statx(Place& at, int directory, const char* path, int flags) {
  struct statx all {};
  const int returned =
      at.call("statx", [&] { return ::statx(directory, path, flags, STATX_ALL | STATX_MNT_ID, &all); });
  if (returned != 0) return;
  at.note("statx", fmt::format("mode {:o} nlink {} uid {} gid {} size {} rdev {}:{} blksize {}", all.stx_mode,
                               all.stx_nlink, all.stx_uid, all.stx_gid, all.stx_size, all.stx_rdev_major,
                               all.stx_rdev_minor, all.stx_blksize));
  at.note("basic fields", all.stx_mask & STATX_BASIC_STATS);
}

void make_kinds(Place& at) {
  at.make_file("f", std::string(5000, 'x'));
  at.make_directory("d");
  at.require(::symlink("f", "l") == 0 && ::mkfifo("p", 0640) == 0, "make");
  at.as_root([&] { at.require(::mknod("c", S_IFCHR | 0600, makedev(5, 6)) == 0, "mknod"); });
}

PARITY_TEST(Statx, OfEveryKind) {
  make_kinds(at);
  for (const char* const name : {"f", "d", "l", "p", "c", ".", "..", "absent", "f/x"}) {
    show_statx(at, AT_FDCWD, name, AT_SYMLINK_NOFOLLOW);
    show_statx(at, AT_FDCWD, name, 0);
  }
}

PARITY_TEST(Statx, ByDescriptorAndHowFresh) {
  make_kinds(at);
  const UniqueFd fd(::open("f", O_PATH));
  for (const int fresh : {AT_STATX_SYNC_AS_STAT, AT_STATX_FORCE_SYNC, AT_STATX_DONT_SYNC}) {
    show_statx(at, fd.get(), "", AT_EMPTY_PATH | fresh);
    show_statx(at, AT_FDCWD, "d", fresh);
  }
  show_statx(at, fd.get(), "", 0);
  show_statx(at, AT_FDCWD, "f", AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC);
  show_statx(at, AT_FDCWD, "f", 1 << 20);
}

PARITY_TEST(Statx, TellsTheTimeOfBirth) {
  at.make_file("f");
  struct statx all {};
  CALL(::statx(AT_FDCWD, "f", 0, STATX_BTIME, &all));
  at.exempt(exemptions::kBirthTime, [&] { at.note("has a time of birth", all.stx_mask & STATX_BTIME); });
}

PARITY_TEST(Statx, TellsWhichFlagsAFileHas) {
  at.make_file("f");
  struct statx all {};
  CALL(::statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS, &all));
  at.note("flags", all.stx_attributes);
  at.exempt(exemptions::kFileFlags, [&] { at.note("flags that are told of", all.stx_attributes_mask); });
}

PARITY_TEST(Ioctl, IsRefused) {
  at.make_file("f");
  const UniqueFd fd(::open("f", O_RDONLY));
  int flags = 0;
  fsxattr more{};
  at.exempt(exemptions::kIoctl, [&] {
    CALL(::ioctl(fd.get(), FS_IOC_GETFLAGS, &flags));
    CALL(::ioctl(fd.get(), FS_IOC_FSGETXATTR, &more));
  });
}

PARITY_TEST(Stat, BlocksAreThoseOfTheFileBelow) {
  at.make_file("f", std::string(100'000, 'x'));
  const UniqueFd fd(::open("f", O_RDWR));
  CALL(::fsync(fd.get()));
  struct stat status {};
  CALL(::fstat(fd.get(), &status));
  at.note("blocks", status.st_blocks);
  CALL(::ftruncate(fd.get(), 1 << 20));
  CALL(::fsync(fd.get()));
  CALL(::stat("f", &status));
  at.note("blocks", status.st_blocks);
  CALL(::fallocate(fd.get(), 0, 0, 1 << 20));
  CALL(::fsync(fd.get()));
  CALL(::stat("f", &status));
  at.note("blocks", status.st_blocks);
}

/// Whether a call changes the time of the last change, which no program can set.
template <typename Change>
void note_ctime(Place& at, const char* label, const char* path, Change change) {
  struct stat before {};
  struct stat after {};
  at.require(::lstat(path, &before) == 0, path);
  ::usleep(10'000);  // Longer than the tick by which file systems tell time.
  at.require(change() >= 0, label);
  at.require(::lstat(path, &after) == 0, path);
  at.note(fmt::format("{} changes ctime", label),
          before.st_ctim.tv_sec != after.st_ctim.tv_sec || before.st_ctim.tv_nsec != after.st_ctim.tv_nsec);
}

PARITY_TEST(Ctime, ChangesWithWhatChangesAnInode) {
  at.make_file("f", "text");
  at.make_directory("d");
  const UniqueFd fd(::open("f", O_RDWR));
  const timespec times[2] = {{1, 2}, {3, 4}};
  char byte = 0;
  note_ctime(at, "chmod", "f", [] { return ::chmod("f", 0600); });
  note_ctime(at, "chmod to the same", "f", [] { return ::chmod("f", 0600); });
  note_ctime(at, "chown to nobody", "f",
             [] { return ::chown("f", static_cast<uid_t>(-1), static_cast<gid_t>(-1)); });
  note_ctime(at, "utimensat", "f", [&] { return ::utimensat(AT_FDCWD, "f", times, 0); });
  note_ctime(at, "link", "f", [] { return ::link("f", "g"); });
  note_ctime(at, "unlink of another name", "f", [] { return ::unlink("g"); });
  note_ctime(at, "read", "f", [&] { return ::read(fd.get(), &byte, 1); });
  note_ctime(at, "write", "f", [&] { return ::write(fd.get(), &byte, 1); });
  note_ctime(at, "ftruncate", "f", [&] { return ::ftruncate(fd.get(), 100); });
  note_ctime(at, "ftruncate to the same", "f", [&] { return ::ftruncate(fd.get(), 100); });
  note_ctime(at, "truncate to the same", "f", [] { return ::truncate("f", 100); });
  note_ctime(at, "fallocate", "f", [&] { return ::fallocate(fd.get(), 0, 0, 200); });
  note_ctime(at, "fsync", "f", [&] { return ::fsync(fd.get()); });
  note_ctime(at, "rename into it", "d", [] { return ::rename("f", "d/g"); });
  note_ctime(at, "mkdir within", "d", [] { return ::mkdir("d/e", 0755); });
  note_ctime(at, "opening within", "d", [] { return ::close(::open("d/g", O_RDONLY)); });
}

PARITY_TEST(Statfs, TellsOfTheFileSystemBelow) {
  at.make_file("f");
  struct statvfs statistics {};
  for (const char* const name : {".", "f", "absent", "f/x"}) {
    if (CALL(::statvfs(name, &statistics)) != 0) continue;
    at.note("statistics",
            fmt::format("bsize {} frsize {} blocks {} files {} namemax {}", statistics.f_bsize,
                        statistics.f_frsize, statistics.f_blocks,
                        at.file_system() == FileSystem::xfs ? 0 : statistics.f_files, statistics.f_namemax));
    at.note("free for all", statistics.f_bavail > 0);
    at.note("flags", statistics.f_flag & (ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC));
  }
  struct statfs raw {};
  const UniqueFd fd(::open("f", O_RDONLY));
  CALL(::fstatfs(fd.get(), &raw));
  at.exempt(exemptions::kFileSystemType, [&] { at.note("type", raw.f_type); });
}

PARITY_TEST(Statfs, AndPathconfOfTheFileSystemBelow) {
  const auto ask = [&](int name) {
    at.call(fmt::format("pathconf {}", name), [&] { return ::pathconf(".", name); });
  };
  for (const int name : {_PC_NAME_MAX, _PC_PATH_MAX, _PC_SYMLINK_MAX, _PC_PIPE_BUF, _PC_CHOWN_RESTRICTED,
                         _PC_NO_TRUNC, _PC_2_SYMLINKS}) {
    ask(name);
  }
  at.exempt(exemptions::kFileSystemType, [&] {
    ask(_PC_LINK_MAX);
    ask(_PC_FILESIZEBITS);
  });
}

PARITY_TEST(Access, OfEveryModeByRealAndEffectiveUser) {
  at.make_file("all", "", 0777);
  at.make_file("none", "", 0);
  at.make_file("group", "", 0070);
  at.make_directory("closed", 0);
  at.make_directory("search", 0711);
  at.make_file("search/f", "", 0644);
  at.as_root([&] {
    for (const int mode : {0, 04, 040, 0400, 0700, 0070, 07}) {
      const std::string name = fmt::format("theirs {:o}", mode);
      at.make_file(name, "", static_cast<mode_t>(mode));
      at.require(::chown(name.c_str(), 0, kSharedGroup) == 0, name);
    }
  });
  for (const char* const name :
       {"all", "none", "group", "closed", "closed/x", "search", "search/f", "theirs 0", "theirs 4",
        "theirs 40", "theirs 400", "theirs 700", "theirs 70", "theirs 7", "absent", "all/x"}) {
    for (int mode = F_OK; mode <= (R_OK | W_OK | X_OK); ++mode) {
      at.call(fmt::format("access {} {}", name, mode), [&] { return ::access(name, mode); });
      at.call(fmt::format("eaccess {} {}", name, mode),
              [&] { return ::faccessat(AT_FDCWD, name, mode, AT_EACCESS); });
    }
  }
  CALL(::access("all", 8));
  CALL(::faccessat(AT_FDCWD, "all", R_OK, 1 << 20));
}

PARITY_TEST(Access, OfASymlinkItself) {
  at.require(::symlink("nowhere", "l") == 0, "symlink");
  CALL(::access("l", F_OK));
  CALL(::faccessat(AT_FDCWD, "l", F_OK, AT_SYMLINK_NOFOLLOW));
  CALL(::faccessat(AT_FDCWD, "l", R_OK | W_OK | X_OK, AT_SYMLINK_NOFOLLOW));
}

}  // namespace
}  // namespace sluice::testing::parity
