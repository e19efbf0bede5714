#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "loop_file_system.h"
#include "mount_mapping.h"
#include "program_fixture.h"

// How it ends: asked to, unmounted, kept busy, with a disk that hangs.

namespace sluice::testing {
namespace {

class ProgramStop : public ProgramTest {
 protected:
  /// A program that does `use` on the mount, which must return 0, and then stays until it is told to end.
  [[nodiscard]] static std::function<int(int)> staying(const std::function<int()>& use) {
    return [use](int channel) {
      if (use() != 0) return 1;
      char byte = 0;
      return ::write(channel, &byte, 1) == 1 && ::read(channel, &byte, 1) == 1 ? 0 : 2;
    };
  }
  [[nodiscard]] std::function<int(int)> sitting_in_the_mount() const {
    return staying([this] { return ::chdir(at(".").c_str()); });
  }
};

TEST_F(ProgramStop, EachSignalThatAsksToStopUnmounts) {
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
    Program program(foreground());
    ASSERT_TRUE(serves(program));
    make_file(at("f"), "x");
    program.process().signal(signal);
    EXPECT_EQ(program.wait(), 0) << signal;
    EXPECT_FALSE(is_mounted());
  }
}

TEST_F(ProgramStop, ASignalThatCameBeforeTheMountIsNotLost) {
  Start start = foreground();
  start.prepare = [] {
    sigset_t terminate;
    ::sigemptyset(&terminate);
    ::sigaddset(&terminate, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &terminate, nullptr);
    ::raise(SIGTERM);
  };
  EXPECT_EQ(run_program(start).status, 0);
  EXPECT_FALSE(is_mounted());
}

TEST_F(ProgramStop, AnIgnoredHangupStaysIgnored) {
  Start start = foreground();
  start.prepare = [] { ::signal(SIGHUP, SIG_IGN); };  // nohup(1)
  Program program(start);
  ASSERT_TRUE(serves(program));
  program.process().signal(SIGHUP);
  program.process().signal(SIGUSR1);
  ASSERT_TRUE(program.says("counters"));
  EXPECT_TRUE(is_mounted());
  EXPECT_EQ(stop(program), 0);
}

TEST_F(ProgramStop, AnUnmountByAnybodyEndsIt) {
  for (const int flags : std::initializer_list<int>{0, MNT_DETACH, MNT_FORCE}) {
    Program program(foreground());
    ASSERT_TRUE(serves(program));
    make_file(at("f"), "x");
    // close(2) does not wait for RELEASE; until then the mount is busy.
    EXPECT_TRUE(eventually([&] { return ::umount2(mountpoint().c_str(), flags) == 0; }));
    EXPECT_EQ(program.wait(), 0) << flags;
    EXPECT_FALSE(is_mounted());
  }
}

TEST_F(ProgramStop, AnAbortedMountThatIsStillBusyIsNotLeftBehindDead) {
  Program program(foreground());
  ASSERT_TRUE(serves(program));
  Child user(sitting_in_the_mount());
  ASSERT_TRUE(user.ready());
  EXPECT_EQ(error_of(::umount2(mountpoint().c_str(), MNT_FORCE)), EBUSY);
  EXPECT_EQ(program.wait(), 0);
  EXPECT_NE(program.errors().find("was aborted; detached what was left"), std::string::npos);
  EXPECT_FALSE(is_mounted());
}

TEST_F(ProgramStop, AfterALazyUnmountItServesUntilItsLastUserHasGone) {
  Program program(foreground());
  ASSERT_TRUE(serves(program));
  Child user(sitting_in_the_mount());
  ASSERT_TRUE(user.ready());
  ASSERT_EQ(::umount2(mountpoint().c_str(), MNT_DETACH), 0);
  program.process().signal(SIGUSR1);  // Something to wait for, after which it still serves.
  ASSERT_TRUE(program.says("counters"));
  EXPECT_FALSE(program.process().has_ended());
  user.proceed();
  EXPECT_EQ(user.wait(), 0);
  EXPECT_EQ(program.wait(), 0);
}

TEST_F(ProgramStop, OneThatKeepsTheMountBusyIsNamedAndWaitedFor) {
  make_file(source("f"), std::string(4096, 'x'));
  struct Use {
    std::function<int()> begin;
    const char* how;
  };
  const std::vector<Use> uses = {
      {[this] { return ::chdir(at(".").c_str()); }, "its working directory"},
      {[this] { return ::chroot(at(".").c_str()); }, "its root directory"},
      {[this] { return ::open(at("f").c_str(), O_RDONLY | O_CLOEXEC) < 0; }, "an open file"},
      {[this] {
         const int fd = ::open(at("f").c_str(), O_RDONLY | O_CLOEXEC);
         const bool mapped = ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED;
         return mapped && ::close(fd) == 0 ? 0 : 1;
       },
       "a mapped file"}};
  for (const Use& use : uses) {
    Program program(foreground("stop-timeout=1h"));
    ASSERT_TRUE(serves(program));
    Child user(staying(use.begin));
    ASSERT_TRUE(user.ready());
    program.process().signal(SIGTERM);
    EXPECT_TRUE(program.says(mountpoint() + " is kept busy by program_test (pid "));
    EXPECT_TRUE(program.says(std::string(", ") + use.how + "); waiting"));
    EXPECT_TRUE(is_mounted());
    user.proceed();
    EXPECT_EQ(user.wait(), 0) << use.how;
    EXPECT_EQ(program.wait(), 0);
    EXPECT_FALSE(is_mounted());
  }
}

TEST_F(ProgramStop, AMountOnADirectoryThatKeepsItBusyIsNamed) {
  Program program(foreground("stop-timeout=1h"));
  ASSERT_TRUE(serves(program));
  ASSERT_EQ(::mkdir(at("d").c_str(), 0755), 0);
  ASSERT_EQ(::mount("tmpfs", at("d").c_str(), "tmpfs", 0, nullptr), 0);
  program.process().signal(SIGTERM);
  EXPECT_TRUE(program.says("is kept busy by what is mounted on " + at("d") + "; waiting"));
  EXPECT_EQ(::umount2(at("d").c_str(), 0), 0);
  EXPECT_EQ(program.wait(), 0);
}

TEST_F(ProgramStop, OneThatStaysLongerThanTheTimeoutIsLeftBehind) {
  Program program(foreground("stop-timeout=50ms"));
  ASSERT_TRUE(serves(program));
  Child user(sitting_in_the_mount());
  ASSERT_TRUE(user.ready());
  EXPECT_EQ(stop(program), 0);
  EXPECT_NE(program.errors().find(mountpoint() + " is still busy; detaching it"), std::string::npos);
  EXPECT_FALSE(is_mounted());
  user.proceed();
  EXPECT_EQ(user.wait(), 0);
}

TEST_F(ProgramStop, ASecondSignalDoesNotWaitForThem) {
  Program program(foreground("stop-timeout=1h"));
  ASSERT_TRUE(serves(program));
  Child user(sitting_in_the_mount());
  ASSERT_TRUE(user.ready());
  program.process().signal(SIGINT);
  ASSERT_TRUE(program.says("waiting"));
  program.process().signal(SIGUSR1);  // Means something else.
  EXPECT_EQ(stop(program), 0);
  EXPECT_NE(program.errors().find("asked to stop a second time; detaching"), std::string::npos);
  EXPECT_FALSE(is_mounted());
}

TEST_F(ProgramStop, ACopyOfTheMountInAnotherNamespaceIsNotWaitedForAndSaidSo) {
  Program program(foreground("stop-timeout=0"));
  ASSERT_TRUE(serves(program));
  Child container(staying([] { return ::unshare(CLONE_NEWNS); }));
  ASSERT_TRUE(container.ready());
  EXPECT_EQ(stop(program), 0);
  EXPECT_NE(program.errors().find("is unmounted here but still in use, in another mount namespace"),
            std::string::npos)
      << program.errors();
  EXPECT_FALSE(is_mounted());
}

TEST_F(ProgramStop, OnlyItsOwnMountIsTakenAway) {
  Program program(foreground());
  ASSERT_TRUE(serves(program));
  // Mounted over it: whoever looks at the mount point sees another file system.
  ASSERT_EQ(::mount("tmpfs", mountpoint().c_str(), "tmpfs", 0, nullptr), 0);
  make_file(at("other"), "x");
  program.process().signal(SIGTERM);
  EXPECT_TRUE(program.says("is kept busy by what is mounted on " + mountpoint()));
  EXPECT_TRUE(exists(at("other")));
  ASSERT_EQ(::umount2(mountpoint().c_str(), 0), 0);
  EXPECT_EQ(program.wait(), 0);
  EXPECT_FALSE(is_mounted());
}

TEST_F(ProgramStop, ADiskThatHangsIsSaidToBeWaitedFor) {
  const LoopFileSystem disk(base(), 64, 64);
  Start start;
  start.arguments = {"-f", disk.directory(), mountpoint(), "-o", "stop-timeout=0"};
  Program program(start);
  ASSERT_TRUE(serves(program));
  make_file(at("f"), "x");
  Frozen frozen(disk);
  program.process().signal(SIGTERM);
  EXPECT_TRUE(program.says("still waiting for " + disk.directory() + " to take what was accepted"));
  frozen.thaw();
  EXPECT_EQ(program.wait(), 0);
  EXPECT_EQ(content(disk.directory() + "/f"), "x");
}

TEST_F(ProgramStop, TheSameTreeCanBeMountedAgainWhileTheLastOneStillSyncs) {
  const LoopFileSystem disk(base(), 64, 64);
  Start start;
  start.arguments = {"-f", disk.directory(), mountpoint()};
  Program first(start);
  ASSERT_TRUE(serves(first));
  Frozen frozen(disk);
  ASSERT_EQ(::umount2(mountpoint().c_str(), 0), 0);
  Program second(start);
  const std::string in_system_call = "/proc/" + std::to_string(second.process().pid()) + "/syscall";
  ASSERT_TRUE(eventually([&] {
    return second.process().has_ended() ||
           content(in_system_call).starts_with(std::to_string(SYS_clock_nanosleep) + " ");
  }));
  EXPECT_FALSE(first.process().has_ended());
  frozen.thaw();
  EXPECT_EQ(first.wait(), 0);
  ASSERT_TRUE(serves(second));
  EXPECT_EQ(stop(second), 0);
}

}  // namespace
}  // namespace sluice::testing
