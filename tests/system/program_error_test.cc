#include <fcntl.h>
#include <sched.h>
#include <sys/capability.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "program_fixture.h"
#include "syscall_filter.h"

// Whatever keeps sluicefs from mounting is told in one line, with the exit status that --help has for it. In
// the background, as nobody who starts it sees what comes later.

namespace sluice::testing {
namespace {

class ProgramError : public ProgramTest {
 protected:
  [[nodiscard]] Outcome mount(const std::string& source, const std::string& mountpoint,
                              const std::string& options = "") const {
    Start start;
    start.arguments = {source, mountpoint};
    if (!options.empty()) start.arguments.insert(start.arguments.end(), {"-o", options});
    return run_program(start);
  }
  /// With something done to the child before.
  [[nodiscard]] Outcome mount_after(std::function<void()> prepare, const std::string& options = "") const {
    Start start;
    start.arguments = {source(), mountpoint(), "-o", options};
    start.prepare = std::move(prepare);
    return run_program(start);
  }
};

TEST_F(ProgramError, NothingToMount) {
  expect_refused(run_program({}), 1, "SOURCE and MOUNTPOINT are missing");
}

TEST_F(ProgramError, AnOptionThatIsUnknown) {
  expect_refused(mount(source(), mountpoint(), "frobnicate"), 1, "'-o frobnicate'");
}

TEST_F(ProgramError, AValueThatIsMalformed) {
  expect_refused(mount(source(), mountpoint(), "ro,max-syncs=x"), 1, "'-o max-syncs=x'");
}

TEST_F(ProgramError, ASourceThatIsMissing) {
  expect_refused(mount(source("none"), mountpoint()), 2, "SOURCE " + source("none") + " does not exist");
}

TEST_F(ProgramError, ASourceThatIsAFile) {
  make_file(source("f"), "");
  expect_refused(mount(source("f"), mountpoint()), 2, "SOURCE " + source("f") + " is not a directory");
}

TEST_F(ProgramError, ASourceThatHasOurNameAlready) {
  make_file(source(".sluicefs"), "");
  expect_refused(mount(source(), mountpoint()), 2, "has an entry named .sluicefs");
}

TEST_F(ProgramError, AMountpointThatIsMissing) {
  expect_refused(mount(source(), at("none")), 3, "MOUNTPOINT " + at("none") + " does not exist");
}

TEST_F(ProgramError, AMountpointThatIsAFile) {
  make_file(at("f"), "");
  expect_refused(mount(source(), at("f")), 3, "MOUNTPOINT " + at("f") + " is not a directory");
}

TEST_F(ProgramError, AMountpointInsideTheSource) {
  ASSERT_EQ(::mkdir(source("m").c_str(), 0755), 0);
  expect_refused(mount(source(), source("m")), 3, "lies in SOURCE");
}

TEST_F(ProgramError, AMountpointThatHasASluicefsAlready) {
  const Program running(foreground());
  ASSERT_TRUE(serves(running));
  ASSERT_EQ(::mkdir((base() + "/other").c_str(), 0755), 0);
  const Outcome outcome = mount(base() + "/other", mountpoint());
  EXPECT_EQ(outcome.status, 4);
  EXPECT_EQ(outcome.errors, "sluicefs: MOUNTPOINT " + mountpoint() +
                                " has a sluicefs already, which serves " + source() +
                                "; unmount that first\n");
}

class ProgramErrorOverlap : public ProgramError {
 protected:
  void SetUp() override {
    ProgramError::SetUp();
    if (IsSkipped()) return;
    for (const std::string& directory : {source("a"), source("a/b"), base() + "/elsewhere"}) {
      ASSERT_EQ(::mkdir(directory.c_str(), 0755), 0);
    }
  }
  /// While source("a") is served, `other` is not.
  void expect_overlap(const std::string& other, const std::string& text) const {
    Start start;
    start.arguments = {"-f", source("a"), mountpoint()};
    const Program running(start);
    ASSERT_TRUE(serves(running));
    const Outcome outcome = mount(other, base() + "/elsewhere");
    EXPECT_EQ(outcome.status, 4);
    EXPECT_NE(outcome.errors.find(text), std::string::npos) << outcome.errors;
    EXPECT_FALSE(is_mount_point(base() + "/elsewhere"));
  }
};

TEST_F(ProgramErrorOverlap, ASourceThatIsServedAlready) {
  expect_overlap(source("a"), source("a") + " is served by the sluicefs on " + mountpoint());
}

TEST_F(ProgramErrorOverlap, ASourceInsideOneThatIsServed) {
  expect_overlap(source("a/b"), source("a/b") + " lies in " + source("a"));
}

TEST_F(ProgramErrorOverlap, ASourceAroundOneThatIsServed) {
  expect_overlap(source(), source() + " contains " + source("a"));
}

TEST_F(ProgramErrorOverlap, ASourceThroughTheMountOfAnother) {
  expect_overlap(at("b"), at("b") + " is in the sluicefs on " + mountpoint());
}

TEST_F(ProgramErrorOverlap, ASourceThatIsABindMountOfOneThatIsServed) {
  const std::string bound = base() + "/bound";
  ASSERT_EQ(::mkdir(bound.c_str(), 0755), 0);
  ASSERT_EQ(::mount(source("a").c_str(), bound.c_str(), nullptr, MS_BIND, nullptr), 0);
  expect_overlap(bound, bound + " is served by the sluicefs on " + mountpoint());
  EXPECT_EQ(::umount2(bound.c_str(), MNT_DETACH), 0);
}

TEST_F(ProgramError, NoFuseDevice) {
  const Outcome outcome = mount_after([] {
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("tmpfs", "/dev", "tmpfs", 0, nullptr) != 0) ::_exit(202);
  });
  expect_refused(outcome, 7, "cannot open /dev/fuse: No such file or directory; load the kernel module");
}

TEST_F(ProgramError, RootWithoutTheCapabilityToMount) {
  const Outcome outcome = mount_after([] { ::prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN, 0, 0, 0); });
  expect_refused(outcome, 5, "CAP_SYS_ADMIN");
}

TEST_F(ProgramError, RootWithoutTheCapabilityToActAsOthers) {
  for (const int capability : {CAP_SETUID, CAP_SETGID}) {
    const Outcome outcome = mount_after([=] { ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0); });
    expect_refused(outcome, 5, "CAP_SETUID or CAP_SETGID");
  }
}

TEST_F(ProgramError, NoIoUring) {
  const Outcome outcome = mount_after(
      [] {
        if (!forbid_syscalls({SYS_io_uring_setup}, ENOSYS)) ::_exit(203);
      },
      "engine=io_uring");
  expect_refused(outcome, 8, "cannot start the sync engine: Function not implemented; -o engine=threads");
}

TEST_F(ProgramError, WhatFailsAfterTheMountUnmountsIt) {
  // The readers' eventfd is made when the kernel waits for INIT already.
  const Outcome outcome = mount_after(
      [] {
        if (!forbid_syscalls({SYS_eventfd2}, EMFILE)) ::_exit(203);
      },
      "engine=threads");
  expect_refused(outcome, 70, "Too many open files");
}

TEST_F(ProgramError, NoThreadsForTheEngine) {
  const Outcome outcome = mount_after(
      [] {
        if (!forbid_syscalls({SYS_clone3}, EAGAIN)) ::_exit(203);
      },
      "engine=threads");
  expect_refused(outcome, 8, "cannot start the sync engine: Resource temporarily unavailable\n");
}

TEST_F(ProgramError, NoThreadsAtAll) {
  const Outcome outcome = mount_after(
      [] {
        if (!forbid_syscalls({SYS_clone3}, EAGAIN)) ::_exit(203);
      },
      "engine=io_uring");
  expect_refused(outcome, 70, "Resource temporarily unavailable");
}

TEST_F(ProgramError, NamesWithNewlinesStillMakeOneLine) {
  expect_refused(mount(source("two\nlines"), mountpoint()), 2, R"(two\012lines does not exist)");
}

}  // namespace
}  // namespace sluice::testing
