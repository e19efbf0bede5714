// The disk goes away with its test, whatever became of that.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <functional>
#include <thread>

#include "eventually.h"
#include "mounts.h"
#include "test_disk.h"

namespace sluice::testing {
namespace {

/// The process of a disk is nobody's child; this makes it ours when the one that started it has gone, so that
/// its exit status can be had. It is 0 when the kernel has let go of the loop device.
class DiskLife : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root for loop devices and mounts";
    ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
  }
  void TearDown() override { ::prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0); }
};

/// The wait status of a child; -1 when it does not end, and is then told to.
int end_of(pid_t pid) {
  int status = -1;
  if (eventually([&] { return ::waitpid(pid, &status, WNOHANG) == pid; })) return status;
  ADD_FAILURE() << "still runs: " << pid;
  ::kill(pid, SIGTERM);
  return -1;
}

int open_new(const TestDisk& disk) {
  return ::open((disk.directory() / "file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

/// A process that does something, reports once, and goes on until it is killed. The test has no threads when
/// it makes one.
template <typename Report>
class Process {
 public:
  using Tell = std::function<void(const Report&)>;

  explicit Process(const std::function<void(const Tell&)>& run) {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    input_.reset(ends[0]);
    const UniqueFd output(ends[1]);
    pid_ = ::fork();
    if (pid_ != 0) return;
    run([&](const Report& report) { (void)!::write(output.get(), &report, sizeof(report)); });
    for (;;) ::pause();
  }
  ~Process() { kill(); }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// Waits for it.
  Report report() {
    Report report{};
    EXPECT_EQ(::read(input_.get(), &report, sizeof(report)), static_cast<ssize_t>(sizeof(report)));
    return report;
  }
  /// Kills it and waits for its end; true when that comes.
  bool kill() {
    if (pid_ < 0) return true;
    ::kill(pid_, SIGKILL);
    return end_of(std::exchange(pid_, -1)) == SIGKILL;
  }

 private:
  pid_t pid_ = -1;
  UniqueFd input_;
};

/// What the owner of a disk says about it.
struct DiskReport {
  pid_t pid = -1;
  std::array<char, 256> directory{};
};

using Owner = Process<DiskReport>;

/// For an owner: a disk with ext4, which `use` does something with before it is reported.
void own_a_disk(const Owner::Tell& tell, const std::function<void(TestDisk& disk)>& use) {
  TestDisk disk;
  disk.make_file_system(FileSystem::ext4);
  if (!disk.mount()) ::_exit(1);
  use(disk);
  DiskReport report{.pid = disk.pid(), .directory = {}};
  disk.directory().string().copy(report.directory.data(), report.directory.size() - 1);
  tell(report);
  for (;;) ::pause();
}

TEST_F(DiskLife, EndsWithItsObject) {
  pid_t pid = -1;
  std::filesystem::path directory;
  std::string device;
  {
    TestDisk disk;
    disk.make_file_system(FileSystem::ext4);
    ASSERT_TRUE(disk.mount());
    pid = disk.pid();
    device = disk.device();
    directory = disk.directory();
    EXPECT_EQ(mounts_of(device), std::vector{directory});
  }
  EXPECT_EQ(end_of(pid), 0);
  EXPECT_FALSE(std::filesystem::exists(directory.parent_path()));
}

TEST_F(DiskLife, EndsWithAFlushStillHeld) {
  std::optional<TestDisk> disk(std::in_place);
  const pid_t pid = disk->pid();
  disk->make_file_system(FileSystem::ext4);
  ASSERT_TRUE(disk->mount());
  int result = -1;
  ASSERT_TRUE(disk->tell("hold"));
  std::thread sync([&result, file = open_new(*disk)] {
    result = ::fsync(file);
    ::close(file);
  });
  const bool held = eventually([&] { return disk->counts().held_flushes == 1; });
  disk.reset();
  sync.join();
  EXPECT_TRUE(held);
  EXPECT_EQ(result, 0);
  EXPECT_EQ(end_of(pid), 0);
}

TEST_F(DiskLife, EndsWhenItsOwnerIsKilled) {
  Owner owner([](const Owner::Tell& tell) { own_a_disk(tell, [](TestDisk& /*disk*/) {}); });
  const DiskReport disk = owner.report();
  EXPECT_TRUE(owner.kill());
  EXPECT_EQ(end_of(disk.pid), 0);
  EXPECT_FALSE(std::filesystem::exists(std::filesystem::path(disk.directory.data()).parent_path()));
}

// Such an owner cannot end before the flush is answered, so that waiting for its end would be for ever.
TEST_F(DiskLife, EndsWhenItsOwnerIsKilledWhileItWaitsForAHeldFlush) {
  Owner owner([](const Owner::Tell& tell) {
    own_a_disk(tell, [](TestDisk& disk) {
      (void)disk.tell("hold");
      std::thread([&disk] { (void)::fsync(open_new(disk)); }).detach();
      EXPECT_TRUE(eventually([&] { return disk.counts().held_flushes == 1; }));
    });
  });
  const DiskReport disk = owner.report();
  EXPECT_TRUE(owner.kill());
  EXPECT_EQ(end_of(disk.pid), 0);
}

TEST_F(DiskLife, LeavesNothingWhenItIsKilledItself) {
  std::filesystem::path base;
  {
    TestDisk disk;
    base = disk.directory().parent_path();
    disk.make_file_system(FileSystem::ext4);
    ASSERT_TRUE(disk.mount());
    const UniqueFd file(open_new(disk));
    ASSERT_EQ(::kill(disk.pid(), SIGKILL), 0);
    EXPECT_EQ(end_of(disk.pid()), SIGKILL);
    EXPECT_EQ(::fsync(file.get()), -1);
    EXPECT_FALSE(disk.tell("device"));
  }
  EXPECT_FALSE(std::filesystem::exists(base));
}

TEST_F(DiskLife, IsNotProlongedByWhoeverHasMountsOfItsOwn) {
  std::optional<TestDisk> disk(std::in_place);
  const pid_t pid = disk->pid();
  disk->make_file_system(FileSystem::ext4);
  ASSERT_TRUE(disk->mount());
  Process<bool> other([](const Process<bool>::Tell& tell) { tell(enter_private_mount_namespace()); });
  EXPECT_TRUE(other.report());
  disk.reset();
  EXPECT_EQ(end_of(pid), 0);
}

TEST_F(DiskLife, ThatCannotBeginIsReported) {
  EXPECT_THROW(TestDisk({.size_bytes = UINT64_MAX / 2}), std::runtime_error);
}

}  // namespace
}  // namespace sluice::testing
