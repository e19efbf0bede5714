#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "parity_test.h"

/// The suite itself: what differs is reported.
namespace sluice::testing {
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
  static std::string found_by(ParityBody body) {
    return compare(scene_on(FileSystem::ext4), kCallers[1], body);
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
  EXPECT_NE(found_by([](Place& at) { at.make_file("f", is_mount() ? "a" : "b"); }), "");
}

TEST_F(ParityControl, AnotherOwnerIsFoundInTheTree) {
  EXPECT_NE(found_by([](Place& at) {
              at.make_file("f");
              if (is_mount()) at.give("f", kStranger, kOwnGroup);
            }),
            "");
}

TEST_F(ParityControl, AnXattrMoreIsFoundInTheTree) {
  EXPECT_NE(found_by([](Place& at) {
              at.make_file("f");
              if (is_mount()) at.require(::setxattr("f", "user.a", "1", 1, 0) == 0, "setxattr");
            }),
            "");
}

TEST_F(ParityControl, ATimeThatChangedIsFoundInTheTree) {
  EXPECT_NE(found_by([](Place& at) {
              at.make_file("f");
              if (is_mount()) at.make_old("f");
            }),
            "");
}

TEST_F(ParityControl, AnotherErrorIsFound) {
  const std::string found =
      found_by([](Place& at) { CALL(::rmdir(is_mount() ? "no such directory" : "..")); });
  EXPECT_NE(found.find("ENOENT"), std::string::npos) << found;
  EXPECT_NE(found.find("ENOTEMPTY"), std::string::npos) << found;
}

TEST_F(ParityControl, ANoteMoreIsFound) {
  EXPECT_NE(found_by([](Place& at) {
              if (is_mount()) at.note("something", 1);
            }),
            "");
}

TEST_F(ParityControl, WhatIsExemptMayDiffer) {
  EXPECT_EQ(found_by([](Place& at) {
              at.exempt(exemptions::kIoctl, [&] { at.note("is a mount", is_mount() ? 1 : 0); });
            }),
            "");
}

TEST_F(ParityControl, AnExemptionThatIsNotNeededIsFound) {
  EXPECT_NE(found_by([](Place& at) { at.exempt(exemptions::kIoctl, [&] { at.note("one", 1); }); }), "");
}

TEST_F(ParityControl, ATestThatCannotBePreparedFailsThoughBothDo) {
  EXPECT_NE(found_by([](Place& at) { at.make_file("no such directory/f"); }), "");
}

TEST_F(ParityControl, ATestThatIsKilledFailsThoughBothAre) {
  EXPECT_NE(found_by([](Place&) { ::kill(::getpid(), SIGKILL); }), "");
}

TEST_F(ParityControl, TheCallerHasNoCapabilities) {
  EXPECT_EQ(found_by([](Place& at) {
              at.as_root([&] { at.make_file("theirs", "", 0600); });
              at.require(::access("theirs", R_OK) != 0 && ::open("theirs", O_RDONLY) < 0, "to be kept out");
            }),
            "");
}

}  // namespace
}  // namespace sluice::testing
