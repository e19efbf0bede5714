#include <fcntl.h>
#include <linux/falloc.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "mount_files.h"
#include "mount_fixture.h"
#include "mount_mapping.h"
#include "wire/readers.h"

// fallocate(2), SEEK_DATA and SEEK_HOLE, each done to a file of the mount and to one beside it on the source.

namespace sluice::testing {
namespace {

constexpr off_t kBlock = 4096;

struct AllocateCase {
  const char* name;
  int mode;
  off_t offset;
  off_t length;
};
std::ostream& operator<<(std::ostream& out, const AllocateCase& allocate) {
  return out << allocate.name;
}

/// What there is to see of a file afterwards.
struct Outcome {
  int error;
  std::string content;
  blkcnt_t blocks;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};
std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  return out << "error " << outcome.error << ", " << outcome.content.size() << " bytes, " << outcome.blocks
             << " blocks";
}

class MountAllocate : public MountTest, public ::testing::WithParamInterface<AllocateCase> {
 protected:
  /// `open_path` is opened, `seen_path` looked at.
  static Outcome allocate(const std::string& open_path, const std::string& seen_path) {
    make_file(open_path, std::string(4 * kBlock, 'x'));
    const UniqueFd fd = open_file(open_path, O_RDWR);
    EXPECT_EQ(::fsync(fd.get()), 0);  // So that blocks are allocated on both sides.
    EXPECT_EQ(content(open_path).size(), static_cast<std::size_t>(4 * kBlock));  // Pages are cached.
    const int error = error_of(::fallocate(fd.get(), GetParam().mode, GetParam().offset, GetParam().length));
    EXPECT_EQ(content(open_path), content(seen_path));
    EXPECT_EQ(status(open_path).st_blocks, status(seen_path).st_blocks);
    return {error, content(seen_path), status(seen_path).st_blocks};
  }
};

TEST_P(MountAllocate, DoesWhatItDoesOnTheSource) {
  EXPECT_EQ(allocate(at("f"), source("f")), allocate(source("bare"), source("bare")));
}

INSTANTIATE_TEST_SUITE_P(
    Modes, MountAllocate,
    ::testing::Values(
        AllocateCase{"inside", 0, kBlock, kBlock}, AllocateCase{"across_the_end", 0, 3 * kBlock, 4 * kBlock},
        AllocateCase{"past_the_end", 0, 8 * kBlock, kBlock}, AllocateCase{"nothing", 0, 0, 0},
        AllocateCase{"before_the_beginning", 0, -1, kBlock},
        AllocateCase{"keep_size", FALLOC_FL_KEEP_SIZE, 3 * kBlock, 4 * kBlock},
        AllocateCase{"hole", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, kBlock, kBlock},
        AllocateCase{"hole_within_blocks", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100, kBlock},
        AllocateCase{"hole_across_the_end", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, kBlock, 9 * kBlock},
        AllocateCase{"hole_that_would_cut", FALLOC_FL_PUNCH_HOLE, kBlock, kBlock},
        AllocateCase{"zeroes", FALLOC_FL_ZERO_RANGE, kBlock, kBlock},
        AllocateCase{"zeroes_across_the_end", FALLOC_FL_ZERO_RANGE, 3 * kBlock, 4 * kBlock},
        AllocateCase{"zeroes_keep_size", FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 3 * kBlock, 4 * kBlock},
        AllocateCase{"an_unknown_mode", 0x4000, 0, kBlock}),
    [](const auto& parameter) { return parameter.param.name; });

using MountAllocation = MountTest;

TEST_F(MountAllocation, OfRangesThatMoveWhatFollowsIsRefused) {
  // The kernel's FUSE hands on neither (fuse_file_fallocate), whatever the source can do.
  make_file(at("f"), std::string(4 * kBlock, 'x'));
  const UniqueFd fd = open_file(at("f"), O_RDWR);
  EXPECT_EQ(error_of(::fallocate(fd.get(), FALLOC_FL_COLLAPSE_RANGE, 0, kBlock)), EOPNOTSUPP);
  EXPECT_EQ(error_of(::fallocate(fd.get(), FALLOC_FL_INSERT_RANGE, 0, kBlock)), EOPNOTSUPP);
}

TEST_F(MountAllocation, NeedsADescriptorThatCanWrite) {
  make_file(at("f"), "x");
  const UniqueFd fd = open_file(at("f"), O_RDONLY);
  EXPECT_EQ(error_of(::fallocate(fd.get(), 0, 0, kBlock)), EBADF);
}

TEST_F(MountAllocation, AppliesToMappedPagesThatAreNotWrittenBack) {
  make_file(at("f"), std::string(2 * kBlock, 'x'));
  const UniqueFd fd = open_file(at("f"), O_RDWR);
  const Mapping mapping(fd.get(), 2 * kBlock, MAP_SHARED);
  mapping.bytes()[0] = 'm';
  mapping.bytes()[kBlock] = 'm';
  ASSERT_EQ(::fallocate(fd.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, kBlock), 0);
  EXPECT_EQ(mapping.bytes()[0], '\0');
  EXPECT_EQ(mapping.sync(MS_SYNC), 0);
  EXPECT_EQ(content(source("f")), std::string(kBlock, '\0') + "m" + std::string(kBlock - 1, 'x'));
}

/// Blocks 0, 3 and 7 of ten are data; the rest are holes.
class MountSeek : public MountTest {
 protected:
  static UniqueFd make_sparse(const std::string& path) {
    UniqueFd fd = open_file(path, O_RDWR | O_CREAT);
    const std::string data(kBlock, 'x');
    for (const off_t block : {0, 3, 7}) {
      EXPECT_EQ(::pwrite(fd.get(), data.data(), data.size(), block * kBlock), kBlock);
    }
    EXPECT_EQ(::ftruncate(fd.get(), 10 * kBlock), 0);
    return fd;
  }
  /// The place, or the negative error number.
  static off_t seek(const UniqueFd& fd, off_t offset, int whence) {
    const off_t place = ::lseek(fd.get(), offset, whence);
    return place < 0 ? -errno : place;
  }
};

TEST_F(MountSeek, FindsDataAndHolesWhereTheSourceHasThem) {
  const UniqueFd ours = make_sparse(at("f"));
  const UniqueFd bare = make_sparse(source("bare"));
  for (const int whence : {SEEK_DATA, SEEK_HOLE}) {
    for (off_t offset = -kBlock / 2; offset <= 11 * kBlock; offset += kBlock / 2) {
      EXPECT_EQ(seek(ours, offset, whence), seek(bare, offset, whence))
          << (whence == SEEK_DATA ? "data from " : "hole from ") << offset;
    }
  }
}

TEST_F(MountSeek, FromTheEndIsFromTheSizeThatTheSourceHas) {
  const UniqueFd fd = make_sparse(at("f"));
  EXPECT_EQ(seek(fd, -1, SEEK_END), 10 * kBlock - 1);
  const UniqueFd other = open_file(at("f"), O_WRONLY | O_APPEND);
  EXPECT_EQ(::write(other.get(), "x", 1), 1);
  EXPECT_EQ(seek(fd, 0, SEEK_END), 10 * kBlock + 1);
}

TEST_F(MountSeek, FindsDataThatAMappingPutIntoAHole) {
  const UniqueFd fd = make_sparse(at("f"));
  const Mapping mapping(fd.get(), 10 * kBlock, MAP_SHARED);
  mapping.bytes()[5 * kBlock] = 'm';
  EXPECT_EQ(seek(fd, 4 * kBlock, SEEK_DATA), 5 * kBlock);
  EXPECT_EQ(seek(fd, 5 * kBlock, SEEK_HOLE), 6 * kBlock);
}

TEST_F(MountSeek, MoreSeekersThanThereAreThreadsToServeThemAreAllAnswered) {
  constexpr int kSeekers = 2 * sluicefs::Readers::kMaxReaders;
  std::vector<std::thread> seekers;
  for (int i = 0; i < kSeekers; ++i) {
    seekers.emplace_back([this, i] {
      const UniqueFd fd = make_sparse(at("f" + std::to_string(i)));
      const Mapping mapping(fd.get(), 10 * kBlock, MAP_SHARED);
      mapping.bytes()[5 * kBlock] = 'm';
      // Who cannot be told exactly is told too much.
      const off_t data = seek(fd, 4 * kBlock, SEEK_DATA);
      EXPECT_TRUE(data == 4 * kBlock || data == 5 * kBlock) << data;
    });
  }
  for (std::thread& seeker : seekers) seeker.join();
}

}  // namespace
}  // namespace sluice::testing
