#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>

#include "process.h"

namespace sluice::testing {

/// A test of the program itself, on a source and a mount point of its own, in a mount namespace of its own:
/// what it mounts goes with it. Needs root, and /dev/fuse.
class ProgramTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  [[nodiscard]] const std::string& base() const { return base_; }
  [[nodiscard]] std::string source(std::string_view name = "") const { return under("source", name); }
  [[nodiscard]] std::string mountpoint() const { return base_ + "/mount"; }
  [[nodiscard]] std::string at(std::string_view name) const { return under("mount", name); }
  [[nodiscard]] bool is_mounted() const { return is_mount_point(mountpoint()); }

  /// In the foreground, with `options` as -o takes them.
  [[nodiscard]] Start foreground(const std::string& options = "") const;
  /// Waits until it serves; false, and a failure of the test, when it does not come to that.
  static bool serves(const Program& program) { return program.says(" is mounted on "); }
  /// Stops it by SIGTERM; its exit status.
  static int stop(Program& program);
  /// The same for one in the background, whose parent has ended.
  static int stop_daemon();

  /// The run ended with `status`, one line on standard error that has `text` in it, and nothing mounted.
  void expect_refused(const Outcome& outcome, int status, std::string_view text) const;

  /// $SLUICE_TEST_DATA asks for passthrough of all files.
  [[nodiscard]] static bool passes_all_through();

  /// Gives every user /dev/fuse, as udev does.
  void open_fuse_device_to_all() const;

 private:
  [[nodiscard]] std::string under(const char* directory, std::string_view name) const;

  std::string base_;
};

inline constexpr const char* kPassthroughIsForRoot =
    "passthrough is for root only, and this is a user's mount";

}  // namespace sluice::testing
