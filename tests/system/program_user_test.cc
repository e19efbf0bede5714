#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "program_fixture.h"

// An ordinary user mounts through fusermount3.

namespace sluice::testing {
namespace {

class ProgramUser : public ProgramTest {
 protected:
  void SetUp() override {
    if (passes_all_through()) GTEST_SKIP() << kPassthroughIsForRoot;
    ProgramTest::SetUp();
    if (IsSkipped()) return;
    open_fuse_device_to_all();
    ASSERT_EQ(::mkdir(runtime().c_str(), 0700), 0);
    for (const std::string& directory : {source(), mountpoint(), runtime()}) give(directory);
  }

  [[nodiscard]] std::string runtime() const { return base() + "/run"; }
  void give(const std::string& path) const { ASSERT_EQ(::chown(path.c_str(), user_.uid, user_.gid), 0); }
  [[nodiscard]] Start as_user(Start start) const {
    start.user = user_;
    start.environment.push_back("XDG_RUNTIME_DIR=" + runtime());
    return start;
  }
  [[nodiscard]] Start background(const std::string& options = "") const {
    Start start = foreground(options);
    start.arguments.erase(start.arguments.begin());
    return as_user(std::move(start));
  }
  /// The error number that the user gets for opening the file.
  [[nodiscard]] int user_opens(const std::string& path, int flags) const {
    return run_as(user_, [&] { return error_of(::open(path.c_str(), flags | O_CLOEXEC, 0644)); });
  }
  /// Binds a file with `text` over `path`, in the child.
  [[nodiscard]] std::function<void()> replacing(const std::string& path, const std::string& text) const {
    const std::string file = base() + "/replacement";
    make_file(file, text);
    return [path, file] {
      if (::unshare(CLONE_NEWNS) != 0 ||
          ::mount(file.c_str(), path.c_str(), nullptr, MS_BIND, nullptr) != 0) {
        ::_exit(202);
      }
    };
  }

  const User user_{};
};

TEST_F(ProgramUser, MountsServesAndStops) {
  Program program(as_user(foreground()));
  ASSERT_TRUE(serves(program));
  EXPECT_EQ(user_opens(at("f"), O_WRONLY | O_CREAT), 0);
  EXPECT_EQ(status(source("f")).st_uid, user_.uid);
  EXPECT_EQ(stop(program), 0);
  EXPECT_FALSE(is_mounted());
}

TEST_F(ProgramUser, MountsInTheBackground) {
  const Outcome outcome = run_program(background());
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.output + outcome.errors, "");
  EXPECT_EQ(user_opens(at("f"), O_WRONLY | O_CREAT), 0);
  EXPECT_EQ(stop_daemon(), 0);
  EXPECT_FALSE(is_mounted());
}

TEST_F(ProgramUser, StopsWhenFusermountUnmounts) {
  Program program(as_user(foreground()));
  ASSERT_TRUE(serves(program));
  EXPECT_EQ(run_as(user_,
                   [&] {
                     ::execlp("fusermount3", "fusermount3", "-u", mountpoint().c_str(), nullptr);
                     return 255;
                   }),
            0);
  EXPECT_EQ(program.wait(), 0);
  EXPECT_FALSE(is_mounted());
}

TEST_F(ProgramUser, TheMountIsTheUsersAlone) {
  Program program(as_user(foreground()));
  ASSERT_TRUE(serves(program));
  EXPECT_EQ(error_of(::open(at(".").c_str(), O_RDONLY | O_CLOEXEC)), EACCES) << "not even for root";
  EXPECT_EQ(run_as({1, 1, {}}, [&] { return error_of(::access(at(".").c_str(), F_OK)); }), EACCES);
  EXPECT_EQ(stop(program), 0);
}

TEST_F(ProgramUser, OddNamesPassThroughFusermount) {
  const std::string odd = "with space,comma\\back\"quote";
  for (const char* const directory : {"/s ", "/m "}) {
    ASSERT_EQ(::mkdir((base() + directory + odd).c_str(), 0755), 0);
    give(base() + directory + odd);
  }
  Start start;
  start.arguments = {"-f", base() + "/s " + odd, base() + "/m " + odd};
  Program program(as_user(std::move(start)));
  ASSERT_TRUE(serves(program));
  EXPECT_EQ(user_opens(base() + "/m " + odd + "/f", O_WRONLY | O_CREAT), 0);
  EXPECT_TRUE(exists(base() + "/s " + odd + "/f"));
  EXPECT_EQ(stop(program), 0);
}

TEST_F(ProgramUser, ClearsADeadMountOfHis) {
  {
    Program killed(as_user(foreground()));
    ASSERT_TRUE(serves(killed));
    killed.process().signal(SIGKILL);
    killed.wait();
  }
  ASSERT_TRUE(is_mounted());
  Program next(as_user(foreground()));
  EXPECT_TRUE(next.says("cleared a dead mount"));
  ASSERT_TRUE(serves(next));
  EXPECT_EQ(stop(next), 0);
  EXPECT_FALSE(is_mounted());
}

TEST_F(ProgramUser, IsToldWhoKeepsTheMountBusy) {
  Program program(as_user(foreground("stop-timeout=1h")));
  ASSERT_TRUE(serves(program));
  Child occupant([&](int channel) {
    if (::setresgid(user_.gid, user_.gid, user_.gid) != 0 ||
        ::setresuid(user_.uid, user_.uid, user_.uid) != 0)
      return 1;
    // A program that was started by him would be; one that changed its user is not.
    if (::prctl(PR_SET_DUMPABLE, 1) != 0 || ::chdir(at(".").c_str()) != 0) return 2;
    char byte = 0;
    return ::write(channel, &byte, 1) == 1 && ::read(channel, &byte, 1) == 1 ? 0 : 3;
  });
  ASSERT_TRUE(occupant.ready());
  program.process().signal(SIGTERM);
  EXPECT_TRUE(program.says("its working directory); waiting"));
  occupant.proceed();
  EXPECT_EQ(occupant.wait(), 0);
  EXPECT_EQ(program.wait(), 0);
  EXPECT_FALSE(is_mounted());
}

TEST_F(ProgramUser, MayNotServeTheSameTreeTwice) {
  const Program first(as_user(foreground()));
  ASSERT_TRUE(serves(first));
  const std::string elsewhere = base() + "/elsewhere";
  ASSERT_EQ(::mkdir(elsewhere.c_str(), 0755), 0);
  give(elsewhere);
  Start start;
  start.arguments = {source(), elsewhere};
  const Outcome second = run_program(as_user(std::move(start)));
  EXPECT_EQ(second.status, 4) << second.errors;
  EXPECT_FALSE(is_mount_point(elsewhere));
}

TEST_F(ProgramUser, NeedsASourceThatHeMayRead) {
  ASSERT_EQ(::chown(source().c_str(), 0, 0), 0);
  ASSERT_EQ(::chmod(source().c_str(), 0700), 0);
  expect_refused(run_program(background()), 2, "SOURCE " + source() + " is not accessible for you");
}

TEST_F(ProgramUser, NeedsAMountpointThatHeMayWriteTo) {
  ASSERT_EQ(::chown(mountpoint().c_str(), 0, 0), 0);
  expect_refused(run_program(background()), 3, "MOUNTPOINT " + mountpoint() + " is not accessible for you");
}

TEST_F(ProgramUser, NeedsAStickyMountpointToBeHisOwn) {
  ASSERT_EQ(::chown(mountpoint().c_str(), 0, 0), 0);
  ASSERT_EQ(::chmod(mountpoint().c_str(), 01777), 0);
  expect_refused(run_program(background()), 5,
                 "cannot mount on " + mountpoint() + ": mountpoint " + mountpoint() + " not owned by user");
}

TEST_F(ProgramUser, NeedsFusermount) {
  Start start = background();
  start.prepare = replacing("/usr/bin/fusermount3", "");
  start.environment.emplace_back("PATH=/nowhere");
  expect_refused(run_program(start), 6, "fusermount3, needed to mount without root, is not installed");
}

TEST_F(ProgramUser, IsToldWhatFusermountSaysWhenItFails) {
  Start start = background();
  start.prepare = replacing("/etc/fuse.conf", "mount_max = 0\n");
  expect_refused(run_program(start), 5, "too many FUSE filesystems mounted");
}

TEST_F(ProgramUser, MayLetOthersInOnlyWhereRootAllowsIt) {
  Start start = background("allow_other");
  start.prepare = replacing("/etc/fuse.conf", "# user_allow_other\n");
  expect_refused(run_program(start), 5, "'-o allow_other' is not allowed for users");
}

TEST_F(ProgramUser, LetsOthersInWhereRootAllowsIt) {
  Start start = as_user(foreground("allow_other"));
  const auto replace = replacing("/etc/fuse.conf", " user_allow_other \n");
  replace();  // For the test as well: it has to see the mount.
  Program program(start);
  ASSERT_TRUE(serves(program));
  EXPECT_EQ(error_of(::access(at(".").c_str(), F_OK)), 0);
  EXPECT_EQ(stop(program), 0);
  ::umount2("/etc/fuse.conf", MNT_DETACH);
}

TEST_F(ProgramUser, MayNotAskForSetuidOrDevices) {
  for (const char* const flag : {"suid", "dev"}) {
    expect_refused(run_program(background(flag)), 5, std::string("'-o ") + flag + "' is for root only");
  }
}

TEST_F(ProgramUser, NeedsTheFuseDevice) {
  ASSERT_EQ(::chmod("/dev/fuse", 0600), 0);
  expect_refused(run_program(background()), 5, "no permission to open /dev/fuse");
}

}  // namespace
}  // namespace sluice::testing
