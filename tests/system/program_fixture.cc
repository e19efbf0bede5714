#include "program_fixture.h"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "mount_fixture.h"

namespace sluice::testing {

void ProgramTest::SetUp() {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to mount";
  ASSERT_EQ(::unshare(CLONE_NEWNS), 0);
  ASSERT_EQ(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
  adopt_orphans();
  base_ = "/tmp/sluice-program-XXXXXX";
  ASSERT_NE(::mkdtemp(base_.data()), nullptr);
  ::chmod(base_.c_str(), 0755);
  for (const std::string& directory : {source(), mountpoint()}) {
    ASSERT_EQ(::mkdir(directory.c_str(), 0755), 0);
  }
}

void ProgramTest::TearDown() {
  if (base_.empty()) return;
  for (const std::string& directory : {source(), mountpoint()}) {
    while (::umount2(directory.c_str(), MNT_DETACH) == 0) {
    }
  }
  std::error_code ignored;
  std::filesystem::remove_all(base_, ignored);
}

std::string ProgramTest::under(const char* directory, std::string_view name) const {
  return base_ + "/" + directory + (name.empty() ? "" : "/") + std::string(name);
}

bool ProgramTest::passes_all_through() {
  return data_mode_of_environment() == sluicefs::DataMode::passthrough;
}

Start ProgramTest::foreground(const std::string& options) const {
  Start start;
  start.arguments = {"-f", source(), mountpoint()};
  // First, so that `options` have the last word.
  if (const char* const data = std::getenv("SLUICE_TEST_DATA"))
    start.arguments.insert(start.arguments.end(), {"-o", "data=" + std::string(data)});
  if (!options.empty()) start.arguments.insert(start.arguments.end(), {"-o", options});
  return start;
}

int ProgramTest::stop(Program& program) {
  program.process().signal(SIGTERM);
  return program.wait();
}

int ProgramTest::stop_daemon() {
  auto daemon = adopted_daemon();
  if (!daemon) return -1;
  daemon->signal(SIGTERM);
  return daemon->wait();
}

void ProgramTest::expect_refused(const Outcome& outcome, int status, std::string_view text) const {
  EXPECT_EQ(outcome.status, status) << outcome.errors;
  EXPECT_EQ(outcome.output, "");
  EXPECT_TRUE(outcome.errors.starts_with("sluicefs: ")) << outcome.errors;
  EXPECT_NE(outcome.errors.find(text), std::string::npos) << outcome.errors << "lacks: " << text;
  EXPECT_TRUE(outcome.errors.ends_with('\n')) << outcome.errors;
  EXPECT_EQ(std::count(outcome.errors.begin(), outcome.errors.end(), '\n'), 1) << outcome.errors;
  EXPECT_FALSE(is_mounted());
}

void ProgramTest::open_fuse_device_to_all() const {
  const std::string directory = base_ + "/dev";
  ASSERT_EQ(::mkdir(directory.c_str(), 0755), 0);
  // A file system where devices work, whatever /tmp is.
  ASSERT_EQ(::mount("tmpfs", directory.c_str(), "tmpfs", 0, nullptr), 0);
  const std::string device = directory + "/fuse";
  constexpr unsigned kMiscMajor = 10;
  constexpr unsigned kFuseMinor = 229;
  ASSERT_EQ(::mknod(device.c_str(), S_IFCHR, makedev(kMiscMajor, kFuseMinor)), 0);
  ASSERT_EQ(::chmod(device.c_str(), 0666), 0);
  ASSERT_EQ(::mount(device.c_str(), "/dev/fuse", nullptr, MS_BIND, nullptr), 0);
  ASSERT_EQ(::umount2(directory.c_str(), MNT_DETACH), 0);
}

}  // namespace sluice::testing
