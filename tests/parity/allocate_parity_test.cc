#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include <limits>
#include <string>

#include "parity_test.h"

// fallocate(2) and the SEEK_DATA and SEEK_HOLE of lseek(2).

namespace sluice::testing::parity {
namespace {

constexpr off_t kBlock = 4096;
constexpr off_t kMost = std::numeric_limits<off_t>::max();

struct Range {
  off_t offset;
  off_t length;
};
constexpr Range kRanges[] = {
    {0, kBlock}, {kBlock, kBlock}, {100, kBlock}, {3 * kBlock, 4 * kBlock}, {8 * kBlock, kBlock},
    {0, 0},      {-1, kBlock},     {kBlock, -1},  {kMost - 100, kBlock},    {off_t{1} << 44, kBlock}};

/// By each range, on a file of four blocks of its own; with what is allocated afterwards.
void allocate(Place& at, int mode) {
  for (const Range& range : kRanges) {
    const off_t offset = range.offset;
    const off_t length = range.length;
    at.note("range", std::to_string(offset) + " for " + std::to_string(length));
    const UniqueFd fd(::open("f", O_RDWR | O_CREAT | O_TRUNC, 0644));
    at.require(::pwrite(fd.get(), std::string(4 * kBlock, 'x').data(), 4 * kBlock, 0) > 0, "write");
    at.make_old("f");
    CALL(::fallocate(fd.get(), mode, offset, length));
    at.show(fd);
    at.require(::fsync(fd.get()) == 0, "fsync");
    struct stat status {};
    at.require(::fstat(fd.get(), &status) == 0, "fstat");
    if (status.st_size < 1000 * kBlock) at.content("f");
    at.note("blocks", status.st_blocks);
    CALL(::unlink("f"));
  }
}

PARITY_TEST(Allocate, Space) {
  allocate(at, 0);
}
PARITY_TEST(Allocate, SpaceKeepingTheSize) {
  allocate(at, FALLOC_FL_KEEP_SIZE);
}
PARITY_TEST(Allocate, PunchesHoles) {
  allocate(at, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE);
}
PARITY_TEST(Allocate, PunchesNoHolesThatChangeTheSize) {
  allocate(at, FALLOC_FL_PUNCH_HOLE);
}
PARITY_TEST(Allocate, Zeroes) {
  allocate(at, FALLOC_FL_ZERO_RANGE);
}
PARITY_TEST(Allocate, ZeroesKeepingTheSize) {
  allocate(at, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE);
}
PARITY_TEST(Allocate, InUnknownModes) {
  for (const int mode : {0x04, 0x100, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE}) {
    allocate(at, mode);
  }
}

PARITY_TEST(Allocate, MovingWhatFollows) {
  at.spare_tree();
  const UniqueFd fd = OPEN(::open("f", O_RDWR | O_CREAT, 0644));
  at.require(::pwrite(fd.get(), std::string(4 * kBlock, 'x').data(), 4 * kBlock, 0) > 0, "write");
  const auto move = [&] {
    CALL(::fallocate(fd.get(), FALLOC_FL_INSERT_RANGE, kBlock, kBlock));
    CALL(::fallocate(fd.get(), FALLOC_FL_COLLAPSE_RANGE, 0, kBlock));
  };
  // btrfs has neither.
  at.file_system() == FileSystem::btrfs ? move() : at.exempt(exemptions::kAllocationModes, move);
}

PARITY_TEST(Allocate, UnsharingBlocks) {
  at.spare_tree();
  const UniqueFd fd = OPEN(::open("f", O_RDWR | O_CREAT, 0644));
  const auto unshare = [&] { CALL(::fallocate(fd.get(), FALLOC_FL_UNSHARE_RANGE, 0, kBlock)); };
  at.file_system() == FileSystem::xfs ? at.exempt(exemptions::kAllocationModes, unshare) : unshare();
}

PARITY_TEST(Allocate, ByOtherDescriptors) {
  at.make_file("f", "x");
  at.make_directory("d");
  at.require(::mkfifo("p", 0644) == 0, "mkfifo");
  for (const int flags : {O_RDONLY, O_PATH, O_WRONLY | O_APPEND}) {
    const UniqueFd fd = OPEN(::open("f", flags));
    CALL(::fallocate(fd.get(), 0, 0, kBlock));
    CALL(::fallocate(fd.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, kBlock));
    CALL(::posix_fallocate(fd.get(), 0, 2 * kBlock));
  }
  CALL(::fallocate(OPEN(::open("d", O_RDONLY)).get(), 0, 0, kBlock));
  CALL(::fallocate(OPEN(::open("p", O_RDWR)).get(), 0, 0, kBlock));
  at.show("f");
}

PARITY_TEST(Allocate, MoreThanThereIs) {
  const UniqueFd fd = OPEN(::open("f", O_RDWR | O_CREAT, 0644));
  CALL(::fallocate(fd.get(), 0, 0, off_t{1} << 40));
  CALL(::fallocate(fd.get(), FALLOC_FL_KEEP_SIZE, 0, off_t{1} << 40));
  CALL(::ftruncate(fd.get(), 0));
  at.spare_tree();
}

PARITY_TEST(Seek, FindsDataAndHoles) {
  const UniqueFd fd = OPEN(::open("f", O_RDWR | O_CREAT, 0644));
  CALL(::ftruncate(fd.get(), 100 * kBlock));
  const std::string block(kBlock, 'x');
  for (const off_t at_block : {10, 50, 51})
    CALL(::pwrite(fd.get(), block.data(), block.size(), at_block * kBlock));
  CALL(::fsync(fd.get()));
  for (const int whence : {SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE, 5, -1}) {
    at.note("whence", whence);
    for (const off_t offset :
         {off_t{-1}, off_t{0}, 5 * kBlock, 10 * kBlock, 11 * kBlock - 1, 11 * kBlock, 50 * kBlock,
          52 * kBlock, 99 * kBlock, 100 * kBlock - 1, 100 * kBlock, 101 * kBlock, -kMost}) {
      CALL(::lseek(fd.get(), offset, whence));
      CALL(::lseek(fd.get(), 0, SEEK_SET));
    }
  }
}

PARITY_TEST(Seek, InFilesWithoutDataAndByOtherDescriptors) {
  at.make_file("empty");
  at.make_file("f", "hello");
  for (const int whence : {SEEK_DATA, SEEK_HOLE}) {
    CALL(::lseek(OPEN(::open("empty", O_RDONLY)).get(), 0, whence));
    CALL(::lseek(OPEN(::open("f", O_WRONLY)).get(), 0, whence));
    CALL(::lseek(OPEN(::open("f", O_PATH)).get(), 0, whence));
  }
}

}  // namespace
}  // namespace sluice::testing::parity
