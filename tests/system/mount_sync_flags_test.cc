#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <string>

#include "mount_block.h"
#include "mount_files.h"
#include "mount_fixture.h"

namespace sluice::testing {
namespace {

/// Open flags that make each write a barrier, and the kind that it is.
struct SyncFlags {
  const char* name;
  int flags;
  bool full;
};
std::ostream& operator<<(std::ostream& out, const SyncFlags& flags) {
  return out << flags.name;
}

class MountSyncFlags : public TrackedMountTest, public ::testing::WithParamInterface<SyncFlags> {};

TEST_P(MountSyncFlags, EachWriteIsABarrierOfItsKind) {
  const UniqueFd fd = open_file(at("f"), O_WRONLY | O_CREAT | GetParam().flags);
  const Block block('x');
  for (const off_t offset : {off_t{0}, off_t{kBlock}}) {
    const CountersSnapshot before = fixture().mount().counters();
    ASSERT_EQ(::pwrite(fd.get(), block.get(), kBlock, offset), static_cast<ssize_t>(kBlock));
    const CountersSnapshot after = fixture().mount().counters();
    EXPECT_EQ(after.full.syncs - before.full.syncs, GetParam().full ? 1U : 0U);
    EXPECT_EQ(after.data.syncs - before.data.syncs, GetParam().full ? 0U : 1U);
  }
  EXPECT_EQ(content(source("f")), std::string(2 * kBlock, 'x'));
}

TEST_P(MountSyncFlags, ACopyAndAnAllocationAreBarriersToo) {
  make_file(at("from"), std::string(kBlock, 'x'));
  const UniqueFd from = open_file(at("from"), O_RDONLY);
  const UniqueFd fd = open_file(at("f"), O_WRONLY | O_CREAT | (GetParam().flags & ~O_APPEND));
  EXPECT_EQ(counts_of([&] {
              loff_t begin = 0;
              EXPECT_EQ(::copy_file_range(from.get(), &begin, fd.get(), nullptr, kBlock, 0),
                        static_cast<ssize_t>(kBlock));
            }),
            kOneSync);
  EXPECT_EQ(content(source("f")), std::string(kBlock, 'x'));
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(::fallocate(fd.get(), 0, 0, off_t{2 * kBlock}), 0); }), kOneSync);
}

INSTANTIATE_TEST_SUITE_P(Flags, MountSyncFlags,
                         ::testing::Values(SyncFlags{"O_SYNC", O_SYNC, true},
                                           SyncFlags{"O_DSYNC", O_DSYNC, false},
                                           SyncFlags{"O_SYNC_and_O_DIRECT", O_SYNC | O_DIRECT, true},
                                           SyncFlags{"O_DSYNC_and_O_DIRECT", O_DSYNC | O_DIRECT, false},
                                           SyncFlags{"O_DSYNC_and_O_APPEND", O_DSYNC | O_APPEND, false}),
                         [](const auto& parameter) { return parameter.param.name; });

using MountSyncedWrite = TrackedMountTest;

TEST_F(MountSyncedWrite, RwfDsyncMakesOneWriteABarrier) {
  const UniqueFd fd = open_file(at("f"), O_WRONLY | O_CREAT);
  char byte = 'x';
  const iovec part{&byte, 1};
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(::pwritev2(fd.get(), &part, 1, 0, RWF_DSYNC), 1); }), kOneSync);
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(::pwritev2(fd.get(), &part, 1, 1, 0), 1); }), SyncCounts{});
}

}  // namespace
}  // namespace sluice::testing
