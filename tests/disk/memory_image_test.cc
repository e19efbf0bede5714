#include "memory_image.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>

#include "log_fixture.h"
#include "whole_io.h"

namespace sluice::testing {
namespace {

constexpr std::uint64_t kImageBytes = 1ULL << 20U;

MemoryImage new_image() {
  Result<MemoryImage> image = MemoryImage::create(kImageBytes);
  EXPECT_TRUE(image);
  return std::move(*image);
}

bool all(std::span<const std::byte> bytes, int value) {
  return std::ranges::all_of(bytes, [&](std::byte byte) { return byte == static_cast<std::byte>(value); });
}

TEST(MemoryImageTest, IsZeroWhereNothingWasWritten) {
  MemoryImage image = new_image();
  image.write(kSector, filled(7));
  EXPECT_TRUE(all(image.bytes().subspan(0, kSector), 0));
  EXPECT_TRUE(all(image.bytes().subspan(kSector, kSector), 7));
  EXPECT_TRUE(all(image.bytes().subspan(2 * kSector), 0));
}

TEST(MemoryImageTest, TheFileHoldsWhatWasWritten) {
  MemoryImage image = new_image();
  image.write(20 * kSector, filled(7, 3));
  std::vector<std::byte> read(3 * kSector);
  ASSERT_TRUE(read_whole(image.file().get(), read, 20 * kSector));
  EXPECT_EQ(read, filled(7, 3));
}

TEST(MemoryImageTest, ZeroingTakesTheRangeAndNoMore) {
  MemoryImage image = new_image();
  image.write(0, filled(7, 40));
  image.zero(3 * kSector, 30 * kSector);
  EXPECT_TRUE(all(image.bytes().subspan(0, 3 * kSector), 7));
  EXPECT_TRUE(all(image.bytes().subspan(3 * kSector, 30 * kSector), 0));
  EXPECT_TRUE(all(image.bytes().subspan(33 * kSector, 7 * kSector), 7));
}

TEST(MemoryImageTest, ACopyIsEqualAndOnItsOwn) {
  MemoryImage image = new_image();
  image.write(5 * kSector, filled(1, 30));
  image.write(kImageBytes - kSector, filled(2));
  const Result<MemoryImage> copy = image.copy();
  ASSERT_TRUE(copy);
  EXPECT_TRUE(std::ranges::equal(copy->bytes(), image.bytes()));
  image.write(5 * kSector, filled(3));
  EXPECT_TRUE(all(copy->bytes().subspan(5 * kSector, kSector), 1));
}

TEST(MemoryImageTest, ACopyOfACopyHasEverything) {
  MemoryImage image = new_image();
  image.write(0, filled(1));
  Result<MemoryImage> copy = image.copy();
  ASSERT_TRUE(copy);
  copy->write(100 * kSector, filled(2));
  const Result<MemoryImage> second = copy->copy();
  ASSERT_TRUE(second);
  EXPECT_TRUE(all(second->bytes().subspan(0, kSector), 1));
  EXPECT_TRUE(all(second->bytes().subspan(100 * kSector, kSector), 2));
}

TEST(MemoryImageTest, CostsOnlyThePagesThatWereWritten) {
  MemoryImage image = new_image();
  image.write(0, filled(1));
  image.zero(0, kImageBytes);
  const Result<MemoryImage> copy = image.copy();
  ASSERT_TRUE(copy);
  for (const MemoryImage* each : {static_cast<const MemoryImage*>(&image), &*copy}) {
    struct stat status {};
    ASSERT_EQ(::fstat(each->file().get(), &status), 0);
    EXPECT_LE(status.st_blocks * 512, 4096);
  }
}

}  // namespace
}  // namespace sluice::testing
