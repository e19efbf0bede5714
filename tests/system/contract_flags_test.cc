#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <future>
#include <string>

#include "contract_fixture.h"
#include "mount_block.h"
#include "mount_files.h"
#include "mount_mapping.h"

// What a program gets on a mounted directory from the calls that sync on the way: O_SYNC, O_DSYNC, RWF_DSYNC
// and msync(2); and from sync_file_range(2), which does not sync.

namespace sluice::testing {
namespace {

/// A way to write a byte that returns when it is synced; 0 or the error number.
struct SyncedWrite {
  const char* name;
  int open_flags;
  int write_flags;
  SyncKind kind;

  [[nodiscard]] int write(int fd) const {
    char byte = 'y';
    const iovec part{&byte, 1};
    return error_of(::pwritev2(fd, &part, 1, 0, write_flags));
  }
};
std::ostream& operator<<(std::ostream& out, const SyncedWrite& write) {
  return out << write.name;
}

class ContractFlags : public ContractTest, public ::testing::WithParamInterface<SyncedWrite> {
 protected:
  [[nodiscard]] UniqueFd& open_for_it() { return open_dirty("f", GetParam().open_flags); }
};

TEST_P(ContractFlags, Contract_L1_WriteIsASyncOfItsKind) {
  const UniqueFd& fd = open_for_it();
  hold();
  std::future<int>& writer = start([&] { return GetParam().write(fd.get()); });
  ASSERT_TRUE(holds(1));
  EXPECT_EQ(kind_of(0), GetParam().kind);
  EXPECT_FALSE(has_ended(writer));
  EXPECT_EQ(content(source("f")), "y");
  release();
  EXPECT_EQ(result_of(writer), 0);
}

TEST_P(ContractFlags, Contract_E1_WriteCoversThoseOfOtherDescriptorsBeforeIt) {
  const UniqueFd& fd = open_for_it();
  const UniqueFd other = open_file(at("f"), O_RDWR);
  ASSERT_EQ(::pwrite(other.get(), "z", 1, 1), 1);
  EXPECT_EQ(GetParam().write(fd.get()), 0);
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(::fdatasync(other.get()), 0); }), kElided);
}

TEST_P(ContractFlags, Contract_E2_WriteAfterAFailureIsNotSaidToBeDurable) {
  const UniqueFd& fd = open_for_it();
  fail_with(EIO);
  EXPECT_EQ(GetParam().write(fd.get()), EIO);
  release();
  EXPECT_EQ(GetParam().write(fd.get()), EIO);
  EXPECT_EQ(error_of(::fsync(fd.get())), EIO);
}

INSTANTIATE_TEST_SUITE_P(Writes, ContractFlags,
                         ::testing::Values(SyncedWrite{"O_SYNC", O_SYNC, 0, SyncKind::full},
                                           SyncedWrite{"O_DSYNC", O_DSYNC, 0, SyncKind::data},
                                           SyncedWrite{"RWF_SYNC", 0, RWF_SYNC, SyncKind::full},
                                           SyncedWrite{"RWF_DSYNC", 0, RWF_DSYNC, SyncKind::data}),
                         [](const auto& write) { return write.param.name; });

using ContractMapping = ContractTest;

TEST_F(ContractMapping, Contract_E1_MsyncCoversAStore) {
  const UniqueFd& fd = open_durable("f");
  const Mapping mapping(fd.get(), kBlock, MAP_SHARED);
  mapping.bytes()[0] = 'm';
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(mapping.sync(MS_SYNC), 0); }), kOneSync);
  EXPECT_EQ(content(source("f")), "m");
  // Linux makes it a data sync (msync in mm/msync.c).
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(::fdatasync(fd.get()), 0); }), kElided);
}

TEST_F(ContractMapping, Contract_E1_FsyncCoversAStore) {
  const UniqueFd& fd = open_durable("f");
  const Mapping mapping(fd.get(), kBlock, MAP_SHARED);
  mapping.bytes()[0] = 'm';
  hold();
  start([&] { return error_of(::fsync(fd.get())); });
  ASSERT_TRUE(holds(1));
  EXPECT_EQ(content(source("f")), "m");
}

TEST_F(ContractMapping, Contract_E2_MsyncAfterAFailureFails) {
  const UniqueFd& fd = open_dirty("f");
  const Mapping mapping(fd.get(), kBlock, MAP_SHARED);
  fail_with(EIO);
  EXPECT_EQ(error_of(mapping.sync(MS_SYNC)), EIO);
  release();
  EXPECT_EQ(error_of(mapping.sync(MS_SYNC)), EIO);
}

using ContractRange = ContractTest;

TEST_F(ContractRange, Contract_E1_SyncFileRangeMakesNothingDurable) {
  const UniqueFd& fd = open_dirty("f");
  constexpr unsigned kAll = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(::sync_file_range(fd.get(), 0, 0, kAll), 0); }), SyncCounts{});
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(::fdatasync(fd.get()), 0); }), kOneSync);
}

}  // namespace
}  // namespace sluice::testing
