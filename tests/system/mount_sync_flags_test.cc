#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "mount_files.h"
#include "mount_fixture.h"
#include "mount_mapping.h"

namespace sluice::testing {
namespace {

constexpr std::size_t kBlock = 4096;

/// Memory that direct I/O takes.
class Block {
 public:
  explicit Block(char fill) : bytes_(static_cast<char*>(std::aligned_alloc(kBlock, kBlock))) {
    std::memset(bytes_.get(), fill, kBlock);
  }
  [[nodiscard]] char* get() const { return bytes_.get(); }

 private:
  struct Free {
    void operator()(char* bytes) const { std::free(bytes); }
  };
  std::unique_ptr<char, Free> bytes_;
};

/// Open flags that make each write a barrier, and the kind that it is.
struct SyncFlags {
  const char* name;
  int flags;
  bool full;
};
std::ostream& operator<<(std::ostream& out, const SyncFlags& flags) {
  return out << flags.name;
}

class MountSyncFlags : public MountTest, public ::testing::WithParamInterface<SyncFlags> {};

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

INSTANTIATE_TEST_SUITE_P(Flags, MountSyncFlags,
                         ::testing::Values(SyncFlags{"O_SYNC", O_SYNC, true},
                                           SyncFlags{"O_DSYNC", O_DSYNC, false},
                                           SyncFlags{"O_SYNC_and_O_DIRECT", O_SYNC | O_DIRECT, true},
                                           SyncFlags{"O_DSYNC_and_O_DIRECT", O_DSYNC | O_DIRECT, false},
                                           SyncFlags{"O_DSYNC_and_O_APPEND", O_DSYNC | O_APPEND, false}),
                         [](const auto& parameter) { return parameter.param.name; });

using MountSyncedWrite = MountTest;

TEST_F(MountSyncedWrite, RwfDsyncMakesOneWriteABarrier) {
  const UniqueFd fd = open_file(at("f"), O_WRONLY | O_CREAT);
  char byte = 'x';
  const iovec part{&byte, 1};
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(::pwritev2(fd.get(), &part, 1, 0, RWF_DSYNC), 1); }), kOneSync);
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(::pwritev2(fd.get(), &part, 1, 1, 0), 1); }), SyncCounts{});
}

using MountDirectIo = MountTest;

TEST_F(MountDirectIo, AlignedWritesAndReadsReachTheSource) {
  const UniqueFd fd = open_file(at("f"), O_RDWR | O_CREAT | O_DIRECT);
  const Block out('d');
  ASSERT_EQ(::pwrite(fd.get(), out.get(), kBlock, 0), static_cast<ssize_t>(kBlock));
  EXPECT_EQ(content(source("f")), std::string(kBlock, 'd'));
  const Block in('.');
  ASSERT_EQ(::pread(fd.get(), in.get(), kBlock, 0), static_cast<ssize_t>(kBlock));
  EXPECT_EQ(std::memcmp(in.get(), out.get(), kBlock), 0);
}

TEST_F(MountDirectIo, AWriteIsCoveredByTheNextFsync) {
  const UniqueFd fd = open_file(at("f"), O_RDWR | O_CREAT | O_DIRECT);
  const Block block('d');
  ASSERT_EQ(::pwrite(fd.get(), block.get(), kBlock, 0), static_cast<ssize_t>(kBlock));
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(::fsync(fd.get()), 0); }), kOneSync);
  ASSERT_EQ(::pwrite(fd.get(), block.get(), kBlock, 0), static_cast<ssize_t>(kBlock));
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(::fdatasync(fd.get()), 0); }), kOneSync);
}

TEST_F(MountDirectIo, AWriteIsSeenByAMappingAndAMappingByARead) {
  make_file(at("f"), std::string(2 * kBlock, '.'));
  const UniqueFd direct = open_file(at("f"), O_RDWR | O_DIRECT);
  const UniqueFd cached = open_file(at("f"), O_RDWR);
  const Mapping mapping(cached.get(), 2 * kBlock, MAP_SHARED);
  mapping.bytes()[kBlock] = 'm';
  const Block block('d');
  ASSERT_EQ(::pwrite(direct.get(), block.get(), kBlock, 0), static_cast<ssize_t>(kBlock));
  EXPECT_EQ(mapping.bytes()[0], 'd');
  ASSERT_EQ(::pread(direct.get(), block.get(), kBlock, kBlock), static_cast<ssize_t>(kBlock));
  EXPECT_EQ(block.get()[0], 'm');
}

}  // namespace
}  // namespace sluice::testing
