#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <functional>

#include "process/credentials.h"
#include "program_fixture.h"
#include "syscall_filter.h"

// Who may use a mount, and for what.

namespace sluice::testing {
namespace {

constexpr User kOther{1, 1, {}};

struct Change {
  const char* name;
  std::function<long(const std::string& file, const std::string& beside)> make;
};
std::vector<Change> changes() {
  const auto open = [](int flags) {
    return [flags](const std::string& file, const std::string&) {
      const UniqueFd fd(::open(file.c_str(), flags | O_CLOEXEC, 0600));
      return fd.valid() ? 0L : -1L;
    };
  };
  const auto create = [](const std::string&, const std::string& beside) {
    return UniqueFd(::open(beside.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)).valid() ? 0L : -1L;
  };
  return {
      {"open for writing", open(O_WRONLY)},
      {"open, truncating", open(O_RDONLY | O_TRUNC)},
      {"create", create},
      {"mkdir", [](auto&, auto& beside) { return ::mkdir(beside.c_str(), 0700); }},
      {"mknod", [](auto&, auto& beside) { return ::mknod(beside.c_str(), S_IFIFO | 0600, 0); }},
      {"symlink", [](auto&, auto& beside) { return ::symlink("f", beside.c_str()); }},
      {"link", [](auto& file, auto& beside) { return ::link(file.c_str(), beside.c_str()); }},
      {"rename", [](auto& file, auto& beside) { return ::rename(file.c_str(), beside.c_str()); }},
      {"unlink", [](auto& file, auto&) { return ::unlink(file.c_str()); }},
      {"rmdir", [](auto& file, auto&) { return ::rmdir(file.c_str()); }},
      {"truncate", [](auto& file, auto&) { return ::truncate(file.c_str(), 1); }},
      {"chmod", [](auto& file, auto&) { return ::chmod(file.c_str(), 0600); }},
      {"chown", [](auto& file, auto&) { return ::chown(file.c_str(), 0, 0); }},
      {"utimensat", [](auto& file, auto&) { return ::utimensat(AT_FDCWD, file.c_str(), nullptr, 0); }},
      {"setxattr", [](auto& file, auto&) { return ::setxattr(file.c_str(), "user.a", "1", 1, 0); }},
      {"removexattr", [](auto& file, auto&) { return ::removexattr(file.c_str(), "user.a"); }},
  };
}

class ProgramRights : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    if (IsSkipped()) return;
    open_fuse_device_to_all();
    ASSERT_EQ(::mkdir((base() + "/run").c_str(), 0700), 0);
    for (const std::string& path : {source(), mountpoint(), base() + "/run"})
      ASSERT_EQ(::chown(path.c_str(), user_.uid, user_.gid), 0);
    make_file(source("f"), "content", 0666);
    ASSERT_EQ(::chmod(source("f").c_str(), 0666), 0);
  }
  void TearDown() override {
    ::umount2("/etc/fuse.conf", MNT_DETACH);
    ProgramTest::TearDown();
  }

  [[nodiscard]] Start as_user(const std::string& options = "") const {
    Start start = foreground(options);
    start.user = user_;
    start.environment.push_back("XDG_RUNTIME_DIR=" + base() + "/run");
    return start;
  }
  /// In the namespace of the test, which the program shares.
  void let_users_allow_others() const {
    make_file(base() + "/fuse.conf", "user_allow_other\n");
    ASSERT_EQ(::mount((base() + "/fuse.conf").c_str(), "/etc/fuse.conf", nullptr, MS_BIND, nullptr), 0);
  }
  [[nodiscard]] int opens(const User& who, const std::string& name, int flags) const {
    return run_as(who, [&] { return error_of(::open(at(name).c_str(), flags | O_CLOEXEC, 0644)); });
  }
  [[nodiscard]] unsigned long flags() const {
    struct statvfs found {};
    EXPECT_EQ(::statvfs(at("").c_str(), &found), 0);
    return found.f_flag;
  }
  /// A copy of a program that says who runs it, root's and setuid.
  void make_setuid_program() const {
    std::filesystem::copy_file("/usr/bin/id", source("id"));
    ASSERT_EQ(::chown(source("id").c_str(), 0, 0), 0);
    ASSERT_EQ(::chmod(source("id").c_str(), 04755), 0);
  }
  /// 0: it ran with nobody's rights but the user's; 1: with root's; or why it did not run.
  [[nodiscard]] int run_setuid_program() const {
    return run_as(user_, [&] {
      ::execl("/bin/sh", "sh", "-c", "test \"$(\"$0\" -u)\" != 0 && test -n \"$(\"$0\" -u)\"",
              at("id").c_str(), nullptr);
      return errno;
    });
  }

  const User user_{};
};

/// On a user's mount.
class ProgramRightsOfUsers : public ProgramRights {
 protected:
  void SetUp() override {
    if (passes_all_through()) GTEST_SKIP() << kPassthroughIsForRoot;
    ProgramRights::SetUp();
  }
};

TEST_F(ProgramRights, AReadOnlyMountRefusesEveryChange) {
  Program program(foreground("ro"));
  ASSERT_TRUE(serves(program));
  for (const Change& change : changes()) {
    EXPECT_EQ(error_of(change.make(at("f"), at("new"))), EROFS) << change.name;
  }
  EXPECT_EQ(content(at("f")), "content");
  EXPECT_EQ(content(source("f")), "content");
  EXPECT_EQ(names_in(source()), (std::vector<std::string>{"f"}));
  EXPECT_EQ(stop(program), 0);
}

TEST_F(ProgramRightsOfUsers, AUsersReadOnlyMountRefusesChanges) {
  Program program(as_user("ro"));
  ASSERT_TRUE(serves(program));
  EXPECT_EQ(opens(user_, "new", O_WRONLY | O_CREAT), EROFS);
  EXPECT_EQ(opens(user_, "f", O_WRONLY), EROFS);
  EXPECT_EQ(opens(user_, "f", O_RDONLY), 0);
  EXPECT_EQ(stop(program), 0);
}

TEST_F(ProgramRights, RootsMountIsForAllUnlessItIsSaidOtherwise) {
  {
    Program program(foreground());
    ASSERT_TRUE(serves(program));
    EXPECT_EQ(opens(kOther, "f", O_RDWR), 0);
    EXPECT_EQ(opens(kOther, "new", O_WRONLY | O_CREAT), EACCES) << "by the permissions of the source";
    EXPECT_EQ(stop(program), 0);
  }
  Program program(foreground("no-allow-other"));
  ASSERT_TRUE(serves(program));
  EXPECT_EQ(opens(kOther, "f", O_RDONLY), EACCES);
  EXPECT_EQ(content(at("f")), "content");
  EXPECT_EQ(stop(program), 0);
}

TEST_F(ProgramRightsOfUsers, OthersOnAUsersMountAreHeldToItsPermissions) {
  let_users_allow_others();
  make_file(source("private"), "his own", 0600);
  ASSERT_EQ(::chown(source("private").c_str(), user_.uid, user_.gid), 0);
  Program program(as_user("allow_other"));
  ASSERT_TRUE(serves(program));
  EXPECT_EQ(opens(kOther, "f", O_RDWR), 0);
  EXPECT_EQ(opens(kOther, "private", O_RDONLY), EACCES);
  EXPECT_EQ(opens(kOther, "new", O_WRONLY | O_CREAT), EACCES);
  EXPECT_EQ(content(at("private")), "his own") << "root may";
  EXPECT_EQ(stop(program), 0);
}

TEST_F(ProgramRightsOfUsers, WhatRootMakesOnAUsersMountIsTheUsers) {
  let_users_allow_others();
  Program program(as_user("allow_other"));
  ASSERT_TRUE(serves(program));
  make_file(at("new"), "made by root");
  EXPECT_EQ(status(source("new")).st_uid, user_.uid) << "the daemon has no other's rights";
  EXPECT_EQ(error_of(::chown(at("new").c_str(), 0, 0)), EPERM);
  EXPECT_EQ(stop(program), 0);
}

TEST_F(ProgramRightsOfUsers, AUsersMountGivesNoRightsByAFile) {
  make_setuid_program();
  Program program(as_user());
  ASSERT_TRUE(serves(program));
  EXPECT_EQ(run_setuid_program(), 0);
  EXPECT_EQ(stop(program), 0);
}

TEST_F(ProgramRightsOfUsers, AUsersMountOpensNoDevices) {
  ASSERT_EQ(::mknod(source("zero").c_str(), S_IFCHR | 0666, makedev(1, 5)), 0);
  ASSERT_EQ(::chmod(source("zero").c_str(), 0666), 0);
  Program program(as_user());
  ASSERT_TRUE(serves(program));
  EXPECT_EQ(opens(user_, "zero", O_RDONLY), EACCES);
  EXPECT_EQ(stop(program), 0);
}

TEST_F(ProgramRights, RootsMountGivesRightsAndOpensDevicesWhereItIsAskedTo) {
  make_setuid_program();
  ASSERT_EQ(::mknod(source("zero").c_str(), S_IFCHR | 0666, makedev(1, 5)), 0);
  ASSERT_EQ(::chmod(source("zero").c_str(), 0666), 0);
  {
    Program program(foreground("suid,dev"));
    ASSERT_TRUE(serves(program));
    EXPECT_EQ(flags() & (ST_NOSUID | ST_NODEV), 0U);
    EXPECT_EQ(run_setuid_program(), 1);
    EXPECT_EQ(opens(user_, "zero", O_RDONLY), 0);
    EXPECT_EQ(stop(program), 0);
  }
  Program program(foreground("nosuid,nodev,noexec"));
  ASSERT_TRUE(serves(program));
  EXPECT_EQ(flags() & (ST_NOSUID | ST_NODEV | ST_NOEXEC), 0UL + ST_NOSUID + ST_NODEV + ST_NOEXEC);
  EXPECT_EQ(run_as(user_,
                   [&] {
                     ::execl(at("id").c_str(), "id", nullptr);
                     return errno;
                   }),
            EACCES);
  EXPECT_EQ(opens(user_, "zero", O_RDONLY), EACCES);
  EXPECT_EQ(stop(program), 0);
}

TEST(CallersRights, ADaemonThatCannotTakeThemOnEndsRatherThanActAsRoot) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to act as another";
  for (const long refused : {SYS_setfsuid, SYS_setfsgid}) {
    EXPECT_EQ(run_in_child([refused] {
                const rlimit no_core{};
                ::setrlimit(RLIMIT_CORE, &no_core);
                if (!forbid_syscalls({refused}, EPERM)) return 200;
                const sluicefs::CallerScope as_caller({1, 1, 022});
                return 0;
              }),
              256 + SIGABRT);
  }
  EXPECT_EQ(run_in_child([] {
              const sluicefs::CallerScope as_caller({1, 1, 022});
              return 0;
            }),
            0);
}

}  // namespace
}  // namespace sluice::testing
