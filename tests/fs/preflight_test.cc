#include "mount/preflight.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "scratch.h"

namespace sluicefs {
namespace {

using sluice::UniqueFd;

class Preflight : public ::testing::Test {
 protected:
  /// The error's line, which must have that code.
  template <typename Value>
  static std::string refusal(const tl::expected<Value, MountError>& result, ExitCode code) {
    if (result) return "(no error)";
    EXPECT_EQ(result.error().code, code);
    return result.error().message;
  }
  [[nodiscard]] std::string mountpoint_refusal(const std::string& path) const {
    return refusal(check_mountpoint(path, *log_), ExitCode::bad_mountpoint);
  }
  [[nodiscard]] std::string make_file(const char* name) const {
    std::ofstream(scratch_.at(name)) << "x";
    return scratch_.at(name);
  }

  Scratch scratch_;
  std::shared_ptr<Log> log_ = make_foreground_log(false);
};

TEST_F(Preflight, AMountpointBecomesAbsolute) {
  const std::string directory = scratch_.directory("a/m");
  EXPECT_EQ(check_mountpoint(scratch_.at("a/../a/./m///"), *log_).value(), directory);
  ASSERT_EQ(::symlink(directory.c_str(), scratch_.at("link").c_str()), 0);
  EXPECT_EQ(check_mountpoint(scratch_.at("link"), *log_).value(), directory);
}

TEST_F(Preflight, AMountpointThatCannotServeIsNamed) {
  EXPECT_EQ(mountpoint_refusal(scratch_.at("none")),
            "MOUNTPOINT " + scratch_.at("none") + " does not exist; make the directory first");
  const std::string file = make_file("f");
  EXPECT_EQ(mountpoint_refusal(file), "MOUNTPOINT " + file + " is not a directory");
  EXPECT_EQ(mountpoint_refusal(file + "/below"),
            "MOUNTPOINT " + file + "/below cannot be used: Not a directory");
  ASSERT_EQ(::symlink("loop", scratch_.at("loop").c_str()), 0);
  EXPECT_EQ(mountpoint_refusal(scratch_.at("loop")),
            "MOUNTPOINT " + scratch_.at("loop") + " cannot be used: Too many levels of symbolic links");
}

TEST_F(Preflight, ASourceIsOpenedForReading) {
  const auto source = open_source(scratch_.directory("s"));
  ASSERT_TRUE(source);
  EXPECT_EQ(::fcntl(source->get(), F_GETFL) & (O_PATH | O_ACCMODE), O_RDONLY);
  EXPECT_EQ(::fcntl(source->get(), F_GETFD), FD_CLOEXEC);
}

TEST_F(Preflight, ASourceThatCannotServeIsNamed) {
  EXPECT_EQ(refusal(open_source(scratch_.at("none")), ExitCode::bad_source),
            "SOURCE " + scratch_.at("none") + " does not exist");
  const std::string file = make_file("f");
  EXPECT_EQ(refusal(open_source(file), ExitCode::bad_source), "SOURCE " + file + " is not a directory");
}

TEST_F(Preflight, ASourceThatHasOurNameAlreadyIsRefusedWhateverItIs) {
  const std::string source = scratch_.directory("s");
  const std::string expected =
      "SOURCE " + source +
      " has an entry named .sluicefs, a name that every sluicefs keeps for itself; rename it";
  ASSERT_EQ(::symlink("nowhere", (source + "/.sluicefs").c_str()), 0);
  EXPECT_EQ(refusal(open_source(source), ExitCode::bad_source), expected);
  ASSERT_EQ(::unlink((source + "/.sluicefs").c_str()), 0);
  ASSERT_EQ(::mkdir((source + "/.sluicefs").c_str(), 0700), 0);
  EXPECT_EQ(refusal(open_source(source), ExitCode::bad_source), expected);
}

TEST_F(Preflight, AMountpointBesideAroundOrEqualToTheSourceIsApart) {
  const UniqueFd source = open_source(scratch_.directory("a/s")).value();
  for (const char* const mountpoint : {"a/s", "a", "m", "a/s2"}) {
    EXPECT_TRUE(check_apart(source, scratch_.directory(mountpoint))) << mountpoint;
  }
}

TEST_F(Preflight, AMountpointInsideTheSourceIsNot) {
  const std::string source = scratch_.directory("a/s");
  const std::string mountpoint = scratch_.directory("a/s/sub/m");
  EXPECT_EQ(refusal(check_apart(open_source(source).value(), mountpoint), ExitCode::bad_mountpoint),
            "MOUNTPOINT " + mountpoint + " lies in SOURCE " + source +
                ", so the mount would contain itself; mount it elsewhere or on SOURCE itself");
}

}  // namespace
}  // namespace sluicefs
