// A flush that is held keeps its program waiting, and nobody else.

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <optional>
#include <thread>

#include "eventually.h"
#include "mounted_disk_test.h"

namespace sluice::testing {
namespace {

using HeldFlush = EveryDiskTest;
INSTANTIATE_TEST_SUITE_P(On, HeldFlush,
                         ::testing::Values(FileSystem::ext4, FileSystem::xfs, FileSystem::btrfs),
                         name_of_param);

/// A thread in fdatasync(2), with the gate that it waits at. The flush is released at the latest when this is
/// destroyed.
class HeldSync {
 public:
  HeldSync(TestDisk& disk, int file) : gate_(disk) {
    thread_ = std::thread([this, file] {
      result_ = ::fdatasync(file);
      returned_ = true;
    });
  }
  ~HeldSync() { release(); }
  HeldSync(const HeldSync&) = delete;
  HeldSync& operator=(const HeldSync&) = delete;

  [[nodiscard]] bool returned() const { return returned_; }
  /// What fdatasync(2) returned after all.
  int release() {
    gate_.release();
    if (thread_.joinable()) thread_.join();
    return result_;
  }

 private:
  HeldFlushes gate_;
  std::thread thread_;
  std::atomic<bool> returned_{false};
  int result_ = -1;
};

TEST_P(HeldFlush, IsAnsweredAfterReleaseAndNotBefore) {
  overwrite(0, 'x');
  HeldSync sync(disk(), file());
  ASSERT_TRUE(eventually([&] { return disk().counts().held_flushes == 1; }));
  EXPECT_FALSE(sync.returned());
  EXPECT_EQ(sync.release(), 0);
  EXPECT_EQ(disk().counts().held_flushes, 0U);
}

// Out of the page cache: what has to ask the device queues behind the flush in the loop driver (README.md).
TEST_P(HeldFlush, KeepsNobodyFromReadingAndWritingOtherFiles) {
  const UniqueFd other(::open(path("other").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(::pwrite(other.get(), "first", 5, 0), 5);
  ASSERT_EQ(::fsync(other.get()), 0);
  overwrite(0, 'x');
  HeldSync sync(disk(), file());
  ASSERT_TRUE(eventually([&] { return disk().counts().held_flushes == 1; }));
  std::array<char, 6> content{};
  EXPECT_EQ(::pwrite(other.get(), "second", 6, 0), 6);
  EXPECT_EQ(::pread(other.get(), content.data(), content.size(), 0), 6);
  EXPECT_EQ(std::string(content.data(), content.size()), "second");
  EXPECT_FALSE(sync.returned());
  EXPECT_EQ(sync.release(), 0);
}

}  // namespace
}  // namespace sluice::testing
