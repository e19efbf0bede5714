#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>

#include "aio_harness.h"
#include "mounted_disk_test.h"
#include "sluice/sync_engine.h"

// Errors of write-back on a real file system, of which the kernel tells each open file once.

namespace sluice::testing {
namespace {

class AioWriteBackError : public EveryDiskTest {
 protected:
  /// Block 3 is lost: written to the page cache, refused by the disk, and told to somebody else.
  void lose_a_block() {
    const UniqueFd somebody = open();
    tell("fail-range " + std::to_string(offset_on_disk(3)) + " 512 writes");
    overwrite(3, 'x');
    ASSERT_EQ(::fdatasync(somebody.get()), -1);
    ASSERT_EQ(errno, EIO);
  }
  [[nodiscard]] UniqueFd open() const {
    char link[64];
    std::snprintf(link, sizeof link, "/proc/self/fd/%d", file());
    return UniqueFd(::open(link, O_RDWR | O_CLOEXEC));
  }
};

// btrfs writes nothing in its old place, and its offsets are not the disk's.
INSTANTIATE_TEST_SUITE_P(On, AioWriteBackError, ::testing::Values(FileSystem::ext4, FileSystem::xfs),
                         name_of_param);

// One sync serves both, made through the open file that came last and has not been told; alone it would be
// success for both.
TEST_P(AioWriteBackError, Contract_E2_OpenFileThatWasNotToldFailsThoughTheSyncWasMadeThroughAnother) {
  lose_a_block();
  const UniqueFd late = open();
  auto held = std::make_unique<FakeBackend>();
  FakeBackend& transfers = *held;
  AioContext context(AioOptions{}, make_backend(BackendChoice::automatic, 8).value(), std::move(held));
  std::array<std::byte, 1> byte{};
  const auto write = context.submit(AioOrder::write(file(), byte, 0)).value();
  const auto early_sync = context.submit(AioOrder::sync(file())).value();
  const auto late_sync = context.submit(AioOrder::sync(late.get())).value();
  ASSERT_TRUE(transfers.wait_for_transfers(1));
  transfers.end_nth_transfer(0, TransferAnswer::success(1));
  EXPECT_EQ(outcome_of(*early_sync), EIO);
  EXPECT_EQ(context.engine().counters().full.syncs, 1U);
  static_cast<void>(outcome_of(*late_sync));  // Natively it is success, and it may be.
  EXPECT_EQ(outcome_of(*context.submit(AioOrder::sync(late.get())).value()), EIO);
}

TEST_P(AioWriteBackError, Contract_E2_LostBlockIsNeverReportedDurableAfterwards) {
  const auto context = AioContext::create().value();
  tell("fail-range " + std::to_string(offset_on_disk(3)) + " 512 writes");
  overwrite(3, 'x');
  EXPECT_EQ(outcome_of(*context->submit(AioOrder::sync(file(), SyncKind::data)).value()), EIO);
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(outcome_of(*context->submit(AioOrder::sync(file(), SyncKind::data)).value()), EIO);
  // What the kernel would have said.
  EXPECT_EQ(fdatasync(), 0);
}

// ---- Beside the C library's ----

/// What a program prints that syncs the lost block twice, with this in its environment.
std::string two_syncs(int file, const std::string& environment) {
  std::string command = "exec env " + environment + " " SLUICE_TWO_SYNCS_PROGRAM " /proc/" +
                        std::to_string(::getpid()) + "/fd/" + std::to_string(file);
  FILE* output = ::popen(command.c_str(), "r");
  char line[64] = "";
  if (output == nullptr || std::fgets(line, sizeof line, output) == nullptr) return "nothing";
  ::pclose(output);
  return line;
}

TEST_P(AioWriteBackError, Contract_E2_SecondAioFsyncFailsTooWhereTheCLibrarysSucceeds) {
  const std::string once = std::to_string(EIO) + " 0\n";
  const std::string always = std::to_string(EIO) + " " + std::to_string(EIO) + "\n";
  tell("fail-range " + std::to_string(offset_on_disk(3)) + " 512 writes");
  EXPECT_EQ(two_syncs(file(), ""), once);
  EXPECT_EQ(two_syncs(file(), "ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD=" SLUICE_PRELOAD), always);
}

}  // namespace
}  // namespace sluice::testing
