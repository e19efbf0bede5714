#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "mount_files.h"
#include "mount_fixture.h"

namespace sluice::testing {
namespace {

using MountFile = MountTest;

TEST_F(MountFile, WhatIsWrittenIsInTheSource) {
  make_file(at("f"), "hello");
  EXPECT_EQ(content(source("f")), "hello");
}

TEST_F(MountFile, WhatIsInTheSourceIsRead) {
  make_file(source("f"), "hello");
  EXPECT_EQ(content(at("f")), "hello");
  EXPECT_EQ(status(at("f")).st_ino, status(source("f")).st_ino);
}

TEST_F(MountFile, AFileLargerThanOneRequestIsWrittenAndReadWhole) {
  std::string data(3U << 20U, '\0');
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i * 31 / 7);
  make_file(at("f"), data);
  EXPECT_TRUE(content(at("f")) == data);
  EXPECT_TRUE(content(source("f")) == data);
}

TEST_F(MountFile, AWriteIntoTheMiddleLeavesTheRest) {
  make_file(at("f"), "0123456789");
  const UniqueFd fd = open_file(at("f"), O_WRONLY);
  EXPECT_EQ(::pwrite(fd.get(), "ab", 2, 4), 2);
  EXPECT_EQ(content(at("f")), "0123ab6789");
  EXPECT_EQ(content(source("f")), "0123ab6789");
}

TEST_F(MountFile, AWritePastTheEndLeavesAHole) {
  const UniqueFd fd = open_file(at("f"), O_RDWR | O_CREAT);
  EXPECT_EQ(::pwrite(fd.get(), "x", 1, 1U << 20U), 1);
  EXPECT_EQ(status(source("f")).st_size, (1 << 20) + 1);
  EXPECT_LT(status(source("f")).st_blocks * 512, 1 << 20);
  EXPECT_EQ(::lseek(fd.get(), 0, SEEK_DATA), 1 << 20);
  EXPECT_EQ(::lseek(fd.get(), 0, SEEK_HOLE), 0);
}

TEST_F(MountFile, ExclusiveCreationOfWhatExistsFails) {
  make_file(source("f"), "kept");
  EXPECT_EQ(error_of(::open(at("f").c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644)), EEXIST);
  EXPECT_EQ(content(source("f")), "kept");
}

TEST_F(MountFile, CreationOfWhatExistsOpensIt) {
  make_file(source("f"), "kept", 0600);
  const UniqueFd fd = open_file(at("f"), O_RDWR | O_CREAT, 0777);
  EXPECT_EQ(content(at("f")), "kept");
  EXPECT_EQ(mode_of(source("f")), 0600U);
}

TEST_F(MountFile, CreationOfWhatWasMadeBehindTheMountOpensIt) {
  EXPECT_FALSE(exists(at("f")));
  make_file(source("f"), "kept");
  const UniqueFd fd = open_file(at("f"), O_RDONLY | O_CREAT);
  EXPECT_EQ(content(at("f")), "kept");
}

TEST(MountOverSourceFile, CreationThatTruncatesWhatWasMadeBehindTheMountFindsItEmpty) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to mount";
  // The kernel keeps both for a day: that there is no such file, and what it is told of it then.
  const MountFixture mount(MountSetup{.over_source = true});
  EXPECT_FALSE(exists(mount.at("f")));
  make_file(mount.source("f"), "0123456789");
  const UniqueFd fd = open_file(mount.at("f"), O_RDWR | O_CREAT | O_TRUNC);
  EXPECT_EQ(::lseek(fd.get(), 0, SEEK_END), 0);
  EXPECT_EQ(status(mount.at("f")).st_size, 0);
}

TEST_F(MountFile, OpeningWithTruncationEmptiesIt) {
  make_file(at("f"), "0123456789");
  const UniqueFd fd = open_file(at("f"), O_WRONLY | O_TRUNC);
  EXPECT_EQ(status(at("f")).st_size, 0);
  EXPECT_EQ(status(source("f")).st_size, 0);
}

TEST_F(MountFile, OpeningForReadingWithTruncationEmptiesIt) {
  make_file(at("f"), "0123456789");
  const UniqueFd fd = open_file(at("f"), O_RDONLY | O_TRUNC);
  EXPECT_EQ(status(source("f")).st_size, 0);
}

TEST_F(MountFile, TruncationCutsAndGrows) {
  make_file(at("f"), "0123456789");
  ASSERT_EQ(::truncate(at("f").c_str(), 4), 0);
  EXPECT_EQ(content(source("f")), "0123");
  const UniqueFd fd = open_file(at("f"), O_RDWR);
  ASSERT_EQ(::ftruncate(fd.get(), 6), 0);
  EXPECT_EQ(content(source("f")), std::string("0123\0\0", 6));
  EXPECT_EQ(content(at("f")), std::string("0123\0\0", 6));
}

TEST_F(MountFile, TruncationOfAReadOnlyDescriptorFails) {
  make_file(at("f"), "0123456789");
  const UniqueFd fd = open_file(at("f"), O_RDONLY);
  EXPECT_EQ(error_of(::ftruncate(fd.get(), 0)), EINVAL);
  EXPECT_EQ(content(source("f")), "0123456789");
}

TEST_F(MountFile, ADescriptorThatMayWriteAFileOfModeNoneStillWrites) {
  const UniqueFd fd = open_file(at("f"), O_WRONLY | O_CREAT, 0);
  EXPECT_EQ(::write(fd.get(), "x", 1), 1);
  EXPECT_EQ(::fsync(fd.get()), 0);
  EXPECT_EQ(content(source("f")), "x");
}

TEST_F(MountFile, AllocationKeepsOrGrowsTheSize) {
  const UniqueFd fd = open_file(at("f"), O_RDWR | O_CREAT);
  ASSERT_EQ(::fallocate(fd.get(), FALLOC_FL_KEEP_SIZE, 0, 1 << 20), 0);
  EXPECT_EQ(status(source("f")).st_size, 0);
  EXPECT_GE(status(source("f")).st_blocks * 512, 1 << 20);
  ASSERT_EQ(::fallocate(fd.get(), 0, 0, 2 << 20), 0);
  EXPECT_EQ(status(at("f")).st_size, 2 << 20);
  EXPECT_EQ(status(source("f")).st_size, 2 << 20);
}

TEST_F(MountFile, APunchedHoleAndAZeroedRangeReadAsZeroes) {
  const std::string data(3 * 65536, 'x');
  make_file(at("f"), data);
  const UniqueFd fd = open_file(at("f"), O_RDWR);
  EXPECT_EQ(content(at("f")), data);  // Now the kernel has the pages.
  ASSERT_EQ(::fallocate(fd.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 65536), 0);
  ASSERT_EQ(::fallocate(fd.get(), FALLOC_FL_ZERO_RANGE, 131072, 65536), 0);
  const std::string expected = std::string(65536, '\0') + std::string(65536, 'x') + std::string(65536, '\0');
  EXPECT_TRUE(content(at("f")) == expected);
  EXPECT_TRUE(content(source("f")) == expected);
}

TEST_F(MountFile, CopyFileRangeCopiesWithinTheMount) {
  make_file(at("from"), "0123456789");
  make_file(at("to"), "");
  const UniqueFd from = open_file(at("from"), O_RDONLY);
  const UniqueFd to = open_file(at("to"), O_RDWR);
  off_t in = 2;
  off_t out = 1;
  EXPECT_EQ(::copy_file_range(from.get(), &in, to.get(), &out, 5, 0), 5);
  EXPECT_EQ(content(at("to")), std::string("\0", 1) + "23456");
  EXPECT_EQ(content(source("to")), std::string("\0", 1) + "23456");
}

TEST_F(MountFile, TimesAreSetAndKept) {
  make_file(at("f"), "x");
  const timespec times[2] = {{1'000'000'000, 123'456'789}, {1'100'000'000, 987'654'321}};
  ASSERT_EQ(::utimensat(AT_FDCWD, at("f").c_str(), times, 0), 0);
  for (const std::string& path : {at("f"), source("f")}) {
    EXPECT_EQ(status(path).st_mtim.tv_sec, 1'100'000'000);
    EXPECT_EQ(status(path).st_mtim.tv_nsec, 987'654'321);
    EXPECT_EQ(status(path).st_atim.tv_nsec, 123'456'789);
  }
}

TEST_F(MountFile, ModeIsChanged) {
  make_file(at("f"), "x");
  ASSERT_EQ(::chmod(at("f").c_str(), 06751), 0);
  EXPECT_EQ(mode_of(at("f")), 06751U);
  EXPECT_EQ(mode_of(source("f")), 06751U);
}

TEST_F(MountFile, StatfsIsThatOfTheSource) {
  struct statvfs there {};
  struct statvfs here {};
  ASSERT_EQ(::statvfs(source(".").c_str(), &there), 0);
  ASSERT_EQ(::statvfs(at(".").c_str(), &here), 0);
  EXPECT_EQ(here.f_blocks, there.f_blocks);
  EXPECT_EQ(here.f_files, there.f_files);
  EXPECT_EQ(here.f_bsize, there.f_bsize);
  EXPECT_EQ(here.f_namemax, there.f_namemax);
}

TEST_F(MountFile, AChangeBehindTheMountIsSeenByTheNextOpenOnceTheAttributesAreStale) {
  make_file(at("f"), "old");
  EXPECT_EQ(content(at("f")), "old");
  make_file(source("f"), "newer");
  struct statx fresh {};
  // As `stat --cached=never`; no need to wait until the attributes expire.
  ASSERT_EQ(::statx(AT_FDCWD, at("f").c_str(), AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &fresh), 0);
  EXPECT_EQ(content(at("f")), "newer");
}

}  // namespace
}  // namespace sluice::testing
