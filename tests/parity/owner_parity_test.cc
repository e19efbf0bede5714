#include <fcntl.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <string>

#include <fmt/format.h>

#include "parity_test.h"

namespace sluice::testing::parity {
namespace {

/// One of everything that can be made, in a directory.
void make_each(Place& at, const std::string& in) {
  OPEN(::open((in + "/file").c_str(), O_WRONLY | O_CREAT, 0666));
  OPEN(::open((in + "/setgid file").c_str(), O_WRONLY | O_CREAT, 02777));
  OPEN(::open((in + "/setgid without execution").c_str(), O_WRONLY | O_CREAT, 02766));
  CALL(::mkdir((in + "/directory").c_str(), 0777));
  CALL(::mkdir((in + "/sticky directory").c_str(), 07777));
  CALL(::mkfifo((in + "/pipe").c_str(), 0666));
  CALL(::mknod((in + "/socket").c_str(), S_IFSOCK | 0666, 0));
  CALL(::mknod((in + "/setgid node").c_str(), S_IFREG | 02777, 0));
  CALL(::symlink("target", (in + "/link").c_str()));
}

PARITY_TEST(Owner, OfWhatIsMadeInADirectoryOfOnesOwn) {
  at.make_directory("d");
  make_each(at, "d");
}

PARITY_TEST(Owner, OfWhatIsMadeInADirectoryForAll) {
  at.as_root([&] { at.make_directory("d", 01777); });
  make_each(at, "d");
}

PARITY_TEST(Owner, ASetgidDirectoryGivesItsGroup) {
  for (const gid_t group : {kOwnGroup, kSharedGroup, kForeignGroup}) {
    const std::string directory = fmt::format("group {}", group);
    at.as_root([&] {
      at.make_directory(directory);
      at.require(::chown(directory.c_str(), 0, group) == 0 && ::chmod(directory.c_str(), 02777) == 0,
                 directory);
    });
    make_each(at, directory);
    OPEN(::open((directory + "/directory/inner").c_str(), O_WRONLY | O_CREAT, 02777));
    CALL(::mkdir((directory + "/directory/deeper").c_str(), 0755));
  }
}

PARITY_TEST(Owner, AMemberOfTheGroupWritesWhereTheGroupMay) {
  at.as_root([&] {
    at.make_directory("d", 0770);
    at.make_file("f", "text", 0060);
    at.require(::chown("d", 0, kSharedGroup) == 0 && ::chown("f", 0, kSharedGroup) == 0, "chown");
  });
  make_each(at, "d");
  OPEN(::open("f", O_RDWR));
  OPEN(::open("f", O_RDWR | O_TRUNC));
  CALL(::truncate("f", 2));
  CALL(::unlink("d/file"));
}

PARITY_TEST(Owner, TheGroupComesBeforeTheOthers) {
  at.as_root([&] {
    at.make_file("f", "text", 0606);
    at.make_directory("d", 0707);
    at.require(::chown("f", 0, kSharedGroup) == 0 && ::chown("d", 0, kSharedGroup) == 0, "chown");
  });
  OPEN(::open("f", O_RDONLY));
  OPEN(::open("d/new", O_WRONLY | O_CREAT, 0644));
  at.names("d");
}

PARITY_TEST(Owner, OfAFileGivenAwayIsItsNewOne) {
  at.make_file("f", "text", 0600);
  at.give("f", kStranger, kForeignGroup);
  OPEN(::open("f", O_RDONLY));
  CALL(::chmod("f", 0666));
  CALL(::unlink("f"));
}

struct Acl {
  posix_acl_xattr_header header{POSIX_ACL_XATTR_VERSION};
  std::array<posix_acl_xattr_entry, 6> entries;
};

/// user::rwx user:stranger:rwx group::r-x group:shared:rw- mask::rwx other::---
Acl default_acl() {
  constexpr auto kNone = static_cast<__le32>(ACL_UNDEFINED_ID);
  Acl acl{.entries = {{{ACL_USER_OBJ, 7, kNone},
                       {ACL_USER, 7, kStranger},
                       {ACL_GROUP_OBJ, 5, kNone},
                       {ACL_GROUP, 6, kSharedGroup},
                       {ACL_MASK, 7, kNone},
                       {ACL_OTHER, 0, kNone}}}};
  return acl;
}

PARITY_TEST(DefaultAcl, ReplacesTheUmask) {
  at.make_directory("d");
  const Acl acl = default_acl();
  CALL(::setxattr("d", "system.posix_acl_default", &acl, sizeof acl, 0));
  for (const int mask : {0, 022, 077, 0777}) {
    ::umask(static_cast<mode_t>(mask));
    const std::string name = fmt::format("d/{:o}", mask);
    CALL(::mkdir(name.c_str(), 0775));
    make_each(at, name);
    at.xattrs(name);
    at.xattrs(name + "/file");
  }
}

PARITY_TEST(DefaultAcl, WithASetgidDirectory) {
  at.make_directory("d");
  const Acl acl = default_acl();
  at.as_root([&] {
    at.require(::setxattr("d", "system.posix_acl_default", &acl, sizeof acl, 0) == 0, "setxattr");
    at.require(::chown("d", 0, kSharedGroup) == 0 && ::chmod("d", 02777) == 0, "chown");
  });
  make_each(at, "d");
}

PARITY_TEST(AccessAcl, GrantsAndDenies) {
  at.as_root([&] {
    const Acl acl = default_acl();
    at.make_file("f", "text", 0600);
    at.make_directory("d", 0700);
    at.make_file("d/f", "text", 0644);
    for (const char* const name : {"f", "d"}) {
      at.require(::setxattr(name, "system.posix_acl_access", &acl, sizeof acl, 0) == 0, name);
    }
  });
  OPEN(::open("f", O_RDWR));
  CALL(::access("f", R_OK | W_OK));
  CALL(::access("f", X_OK));
  at.names("d");
  OPEN(::open("d/f", O_RDONLY));
  at.show("f");
  at.as(Caller{"stranger", kStranger, kForeignGroup, false}, [&] {
    OPEN(::open("f", O_RDWR));
    OPEN(::open("d/new", O_WRONLY | O_CREAT, 0666));
  });
}

/// The user and group that a program runs as; it prints nothing, so that its end tells.
void run(Place& at, const std::string& program) {
  const pid_t child = ::fork();
  if (child == 0) {
    const UniqueFd null(::open("/dev/null", O_RDWR));
    for (const int fd : {0, 1, 2}) ::dup2(null.get(), fd);
    char* const arguments[] = {const_cast<char*>(program.c_str()), nullptr};
    char* const environment[] = {nullptr};
    ::execve(program.c_str(), arguments, environment);
    ::_exit(errno);
  }
  int status = 0;
  at.require(::waitpid(child, &status, 0) == child, "waitpid");
  at.note("end of " + program, status);
}

PARITY_TEST(Execute, NeedsPermission) {
  for (const int mode : {0, 0400, 0444, 0500, 0555, 0111, 0711, 0777, 0644}) {
    const std::string name = fmt::format("{:o}", mode);
    at.make_file(name, "#!/bin/true\n", static_cast<mode_t>(mode));
    run(at, "./" + name);
    at.give(name, kStranger, kForeignGroup);
    run(at, "./" + name);
  }
  at.make_directory("d");
  run(at, "./d");
  run(at, "./absent");
}

PARITY_TEST(Execute, SetuidProgramsRunAsTheirOwner) {
  at.as_root([&] {
    // A copy of a program that fails unless it may read what only its owner may.
    std::array<char, 65536> part{};
    const UniqueFd from(::open("/bin/cat", O_RDONLY));
    const UniqueFd to(::open("cat", O_WRONLY | O_CREAT, 0755));
    ssize_t got = 0;
    while ((got = ::read(from.get(), part.data(), part.size())) > 0) {
      at.require(::write(to.get(), part.data(), static_cast<std::size_t>(got)) == got, "write");
    }
    at.make_file("secret", "text", 0400);
  });
  const auto read_secret = [&] {
    const pid_t child = ::fork();
    if (child == 0) {
      const UniqueFd null(::open("/dev/null", O_RDWR));
      for (const int fd : {0, 1, 2}) ::dup2(null.get(), fd);
      ::execl("cat", "cat", "secret", nullptr);
      ::_exit(errno);
    }
    int status = 0;
    at.require(::waitpid(child, &status, 0) == child, "waitpid");
    at.note("reading the secret ended with", status);
  };
  read_secret();
  at.as_root([&] { at.require(::chmod("cat", 04755) == 0, "chmod"); });
  read_secret();
}

}  // namespace
}  // namespace sluice::testing::parity
