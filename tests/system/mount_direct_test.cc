#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "mount_block.h"
#include "mount_files.h"
#include "mount_fixture.h"
#include "mount_mapping.h"

namespace sluice::testing {
namespace {

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

TEST_F(MountDirectIo, AnyAlignmentWillDo) {
  if (!is_tracked()) GTEST_SKIP() << kOnlyTracked;
  // Unlike on most sources: what a caller's memory is aligned to does not reach the daemon, whose own
  // descriptors are not direct.
  make_file(at("f"), std::string(2 * kBlock, '.'));
  const UniqueFd fd = open_file(at("f"), O_RDWR | O_DIRECT);
  const Block block('d');
  EXPECT_EQ(::pwrite(fd.get(), block.get() + 1, 10, 5), 10);
  EXPECT_EQ(content(source("f")).substr(4, 12), "." + std::string(10, 'd') + ".");
  EXPECT_EQ(::pread(fd.get(), block.get() + 3, 100, 7), 100);
  EXPECT_EQ(block.get()[3], 'd');
  EXPECT_EQ(block.get()[3 + 99], '.');
}

TEST_F(MountDirectIo, AReadEndsWithTheFile) {
  make_file(at("f"), std::string(kBlock + 10, 'x'));
  const UniqueFd fd = open_file(at("f"), O_RDONLY | O_DIRECT);
  const Block block('.');
  EXPECT_EQ(::pread(fd.get(), block.get(), kBlock, kBlock), 10);
  EXPECT_EQ(::pread(fd.get(), block.get(), kBlock, 2 * kBlock), 0);
}

TEST_F(MountDirectIo, ABufferedReaderSeesADirectWrite) {
  make_file(at("f"), std::string(kBlock, '.'));
  EXPECT_EQ(content(at("f"))[0], '.');  // Now the kernel has the page.
  const UniqueFd direct = open_file(at("f"), O_RDWR | O_DIRECT);
  const Block block('d');
  ASSERT_EQ(::pwrite(direct.get(), block.get(), kBlock, 0), static_cast<ssize_t>(kBlock));
  EXPECT_EQ(content(at("f")), std::string(kBlock, 'd'));
}

TEST_F(MountDirectIo, MemoryThatIsMappedFromTheSameFileWillDo) {
  make_file(at("f"), std::string(kBlock, 'a') + std::string(kBlock, 'b'));
  const UniqueFd fd = open_file(at("f"), O_RDWR | O_DIRECT);
  const Mapping mapping(fd.get(), 2 * kBlock, MAP_SHARED);
  ASSERT_EQ(::pwrite(fd.get(), mapping.bytes() + kBlock, kBlock, 0), static_cast<ssize_t>(kBlock));
  EXPECT_EQ(mapping.bytes()[0], 'b');
  EXPECT_EQ(content(source("f")), std::string(2 * kBlock, 'b'));
}

TEST_F(MountDirectIo, IsSwitchedOnAndOffOnAnOpenFile) {
  const UniqueFd fd = open_file(at("f"), O_RDWR | O_CREAT);
  ASSERT_EQ(::fcntl(fd.get(), F_SETFL, O_DIRECT), 0);
  const Block block('d');
  ASSERT_EQ(::pwrite(fd.get(), block.get(), kBlock, 0), static_cast<ssize_t>(kBlock));
  ASSERT_EQ(::fcntl(fd.get(), F_SETFL, 0), 0);
  EXPECT_EQ(::pwrite(fd.get(), "x", 1, 0), 1);
  EXPECT_EQ(content(source("f")), "x" + std::string(kBlock - 1, 'd'));
}

}  // namespace
}  // namespace sluice::testing
