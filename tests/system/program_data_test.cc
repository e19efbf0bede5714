#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "program_fixture.h"

// -o data=: what is said of it, and where passthrough is refused.

namespace sluice::testing {
namespace {

constexpr int kNoPermission = 5;
constexpr int kNoPassthrough = 9;

class ProgramData : public ProgramTest {
 protected:
  /// Makes the source an overlay of two directories.
  void stack_source() {
    for (const char* const name : {"lower", "upper", "work"})
      ASSERT_EQ(::mkdir((base() + "/" + name).c_str(), 0755), 0);
    const std::string layers =
        "lowerdir=" + base() + "/lower,upperdir=" + base() + "/upper,workdir=" + base() + "/work";
    ASSERT_EQ(::mount("overlay", source().c_str(), "overlay", 0, layers.c_str()), 0);
  }
};

TEST_F(ProgramData, IsNamedWhenItIsMounted) {
  for (const std::string mode : {"tracked", "passthrough", "auto"}) {
    Program program(foreground("data=" + mode));
    ASSERT_TRUE(serves(program));
    EXPECT_TRUE(program.says(", data " + mode));
    EXPECT_EQ(program.errors().find("all data is tracked"), std::string::npos);
    EXPECT_EQ(stop(program), 0);
  }
}

TEST_F(ProgramData, PassthroughOfAStackedFileSystemIsRefused) {
  stack_source();
  expect_refused(run_program(foreground("data=passthrough")), kNoPassthrough, "stacked on another");
  expect_refused(run_program(foreground("data=passthrough,ro")), kNoPassthrough, "stacked on another");
}

TEST_F(ProgramData, AutoIsTrackedThereAndSaysSo) {
  stack_source();
  Program program(foreground("data=auto"));
  ASSERT_TRUE(serves(program));
  EXPECT_TRUE(program.says(", data tracked"));
  EXPECT_TRUE(program.says("all data is tracked: SOURCE"));
  make_file(at("f"), "content");
  EXPECT_EQ(content(source("f")), "content");
  EXPECT_EQ(stop(program), 0);
}

TEST_F(ProgramData, AFileOfAStackedFileSystemInsideTheSourceIsTracked) {
  ASSERT_EQ(::mkdir(source("plain").c_str(), 0755), 0);
  ASSERT_EQ(::mkdir(source("stacked").c_str(), 0755), 0);
  for (const char* const name : {"lower", "upper", "work"})
    ASSERT_EQ(::mkdir((base() + "/" + name).c_str(), 0755), 0);
  const std::string layers =
      "lowerdir=" + base() + "/lower,upperdir=" + base() + "/upper,workdir=" + base() + "/work";
  ASSERT_EQ(::mount("overlay", source("stacked").c_str(), "overlay", 0, layers.c_str()), 0);
  Program program(foreground("data=passthrough"));
  ASSERT_TRUE(serves(program));
  for (const char* const name : {"plain/f", "stacked/f"}) {
    make_file(at(name), "content");
    EXPECT_EQ(content(at(name)), "content");
    EXPECT_EQ(content(source(name)), "content");
  }
  EXPECT_EQ(stop(program), 0);
}

TEST_F(ProgramData, ASourceThatIsAnotherFuseFileSystemIsServedInEachMode) {
  const std::string below = base() + "/below";
  ASSERT_EQ(::mkdir(below.c_str(), 0755), 0);
  ASSERT_EQ(run_command({"bindfs", below, source()}), 0);
  for (const std::string mode : {"tracked", "passthrough", "auto"}) {
    SCOPED_TRACE(mode);
    Program program(foreground("data=" + mode));
    ASSERT_TRUE(serves(program));
    EXPECT_TRUE(program.says(", data " + mode));
    make_file(at(mode), "whole");
    UniqueFd fd = open_file(at(mode), O_RDWR);
    EXPECT_EQ(::pwrite(fd.get(), "in place", 8, 2), 8);
    EXPECT_EQ(::fsync(fd.get()), 0);
    fd.reset();  // It would keep the mount busy.
    EXPECT_EQ(content(at(mode)), "whin place");
    EXPECT_EQ(content(below + "/" + mode), "whin place");
    EXPECT_EQ(stop(program), 0);
  }
}

TEST_F(ProgramData, PassthroughIsForRootOnly) {
  open_fuse_device_to_all();
  ASSERT_EQ(::chmod(source().c_str(), 0777), 0);
  ASSERT_EQ(::chmod(mountpoint().c_str(), 0777), 0);
  Start start = foreground("data=passthrough");
  start.user = User{};
  expect_refused(run_program(start), kNoPermission, "'-o data=passthrough' is for root only");
}

}  // namespace
}  // namespace sluice::testing
