#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "parity_test.h"

/// The suite itself: what differs is reported.
namespace sluice::testing::parity {
namespace {

bool is_mount() {
  struct statfs statistics {};
  return ::statfs(".", &statistics) == 0 && statistics.f_type == FUSE_SUPER_MAGIC;
}

class ParityControl : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to mount";
  }
  static std::string found_by(const ParityBody& body) {
    return compare(scene_on(FileSystem::ext4), kCallers[1], body);
  }
  /// The report has this in it, and that the test itself went well.
  static void expect_found(const ParityBody& body, std::string_view wanted) {
    const std::string found = found_by(body);
    EXPECT_NE(found.find(wanted), std::string::npos) << found;
    EXPECT_EQ(found.find("the test failed"), std::string::npos) << found;
  }
};

TEST_F(ParityControl, EqualPlacesDoNotDiffer) {
  EXPECT_EQ(found_by([](Place& at) { at.make_file("f", "text"); }), "");
}

TEST_F(ParityControl, AnotherModeBitIsFoundInTheTree) {
  const std::string found = found_by([](Place& at) { at.make_file("f", "text", is_mount() ? 0640 : 0644); });
  EXPECT_NE(found.find("mount: tree: \"f\"  =>  mode 100640"), std::string::npos) << found;
  EXPECT_NE(found.find("behind the mount:"), std::string::npos) << found;
}

TEST_F(ParityControl, AnotherByteIsFoundInTheTree) {
  expect_found([](Place& at) { at.make_file("f", is_mount() ? "a" : "b"); }, "mtime now \"a\" xattrs:");
}

TEST_F(ParityControl, AnotherOwnerIsFoundInTheTree) {
  expect_found(
      [](Place& at) {
        at.make_file("f");
        if (is_mount()) at.give("f", kStranger, kOwnGroup);
      },
      fmt::format("uid {}", kStranger));
}

TEST_F(ParityControl, AnXattrMoreIsFoundInTheTree) {
  expect_found(
      [](Place& at) {
        at.make_file("f");
        if (is_mount()) at.require(::setxattr("f", "user.a", "1", 1, 0) == 0, "setxattr");
      },
      "xattrs: user.a=\"1\"");
}

TEST_F(ParityControl, ATimeThatChangedIsFoundInTheTree) {
  expect_found(
      [](Place& at) {
        at.make_file("f");
        if (is_mount()) at.make_old("f");
      },
      "mtime 1000000000");
}

TEST_F(ParityControl, AnotherErrorIsFound) {
  const std::string found =
      found_by([](Place& at) { CALL(::rmdir(is_mount() ? "no such directory" : "..")); });
  EXPECT_NE(found.find("ENOENT"), std::string::npos) << found;
  EXPECT_NE(found.find("ENOTEMPTY"), std::string::npos) << found;
}

TEST_F(ParityControl, ANoteMoreIsFound) {
  expect_found(
      [](Place& at) {
        if (is_mount()) at.note("something", 1);
      },
      "mount: something  =>  1\nbare:  (nothing)");
}

TEST_F(ParityControl, WhatIsExemptMayDiffer) {
  EXPECT_EQ(found_by([](Place& at) {
              at.exempt(exemptions::kIoctl, [&] { at.note("is a mount", is_mount() ? 1 : 0); });
            }),
            "");
}

TEST_F(ParityControl, AnExemptionThatIsNotNeededIsFound) {
  expect_found([](Place& at) { at.exempt(exemptions::kIoctl, [&] { at.note("one", 1); }); },
               "nothing differs that the exemption \"ioctl\" is for");
}

TEST_F(ParityControl, ATestThatCannotBePreparedFailsThoughBothDo) {
  const std::string found = found_by([](Place& at) { at.make_file("no such directory/f"); });
  EXPECT_NE(found.find("the test failed: no such directory/f: ENOENT"), std::string::npos) << found;
}

TEST_F(ParityControl, ATestThatIsKilledFailsThoughBothAre) {
  const std::string found = found_by([](Place&) { ::kill(::getpid(), SIGKILL); });
  EXPECT_NE(found.find("the test failed: killed by signal 9"), std::string::npos) << found;
}

TEST_F(ParityControl, TheCallerHasNoCapabilities) {
  EXPECT_EQ(found_by([](Place& at) {
              at.as_root([&] { at.make_file("theirs", "", 0600); });
              at.require(::access("theirs", R_OK) != 0 && ::open("theirs", O_RDONLY) < 0, "to be kept out");
            }),
            "");
}

}  // namespace
}  // namespace sluice::testing::parity
