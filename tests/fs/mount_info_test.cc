#include "mount/mount_info.h"

#include <gtest/gtest.h>
#include <sys/sysmacros.h>

#include <array>

namespace sluicefs {
namespace {

TEST(MountInfo, ALineIsReadAsProcHasIt) {
  const auto entry = parse_mount_line(
      "36 35 98:12 /mnt1 /mnt2 rw,noatime master:1 shared:7 - ext3 /dev/root rw,errors=continue");
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->id, 36);
  EXPECT_EQ(entry->parent, 35);
  EXPECT_EQ(entry->device, makedev(98, 12));
  EXPECT_EQ(entry->root, "/mnt1");
  EXPECT_EQ(entry->mountpoint, "/mnt2");
  EXPECT_EQ(entry->type, "ext3");
  EXPECT_EQ(entry->source, "/dev/root");
}

TEST(MountInfo, ALineNeedsNoTags) {
  const auto entry = parse_mount_line("42 27 0:39 / /m rw,nosuid - fuse.sluicefs /s rw,user_id=0");
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->type, kFileSystemType);
  EXPECT_EQ(entry->source, "/s");
}

TEST(MountInfo, ASourceMayBeEmpty) {
  const auto entry = parse_mount_line("42 27 0:39 / /m rw - fuse.sluicefs  rw");
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->source, "");
}

TEST(MountInfo, EscapesAreUndone) {
  const auto entry =
      parse_mount_line(R"(1 2 0:3 /a\134b /with\040space\011tab\012newline rw - fuse.x /s\040\043 rw)");
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->root, "/a\\b");
  EXPECT_EQ(entry->mountpoint, "/with space\ttab\nnewline");
  EXPECT_EQ(entry->source, "/s #");
}

TEST(MountInfo, OtherLinesAreNone) {
  for (const char* const line :
       {"", " ", "36 35 98:0 / /m rw", "36 35 98:0 / /m rw - ext3", "36 35 98:0 / /m rw -",
        "x 35 98:0 / /m rw - ext3 /dev/root rw", "36 x 98:0 / /m rw - ext3 /dev/root rw",
        "36 35 98 / /m rw - ext3 /dev/root rw", "36 35 98:x / /m rw - ext3 /dev/root rw",
        "36 35 :0 / /m rw - ext3 /dev/root rw", "36 35 98:0 / /m - ext3 /dev/root"}) {
    EXPECT_FALSE(parse_mount_line(line)) << line;
  }
}

TEST(MountInfo, AWholeTableLeavesOutWhatIsNoLine) {
  const auto mounts =
      parse_mounts("1 0 8:1 / / rw - ext4 /dev/sda1 rw\nnonsense\n\n2 1 0:5 / /dev rw - devtmpfs dev rw");
  ASSERT_EQ(mounts.size(), 2U);
  EXPECT_EQ(mounts[0].mountpoint, "/");
  EXPECT_EQ(mounts[1].mountpoint, "/dev");
}

TEST(MountInfo, TheOwnTableHasARoot) {
  const auto mounts = read_mounts();
  ASSERT_TRUE(mounts);
  EXPECT_NE(topmost_at(*mounts, "/"), nullptr);
}

TEST(MountInfo, OctalEscapesGoThereAndBack) {
  std::string all;
  for (int c = 1; c < 256; ++c) all += static_cast<char>(c);
  EXPECT_EQ(decode_octal(encode_octal(all)), all);
  EXPECT_EQ(encode_octal("a b\\c#d\n"), R"(a\040b\134c\043d\012)");
}

TEST(MountInfo, WhatIsNoEscapeStaysAsItIs) {
  for (const char* const text : {"", "\\", "\\0", "\\04", "\\089", "\\x41", "a\\"})
    EXPECT_EQ(decode_octal(text), text);
}

MountEntry at(int id, int parent, std::string mountpoint) {
  MountEntry entry;
  entry.id = id;
  entry.parent = parent;
  entry.mountpoint = std::move(mountpoint);
  return entry;
}

TEST(MountInfo, OfStackedMountsTheOneThatNoneCoversIsOnTop) {
  const std::vector<MountEntry> mounts = {at(1, 0, "/"), at(2, 1, "/m"), at(3, 2, "/m"), at(4, 3, "/m"),
                                          at(5, 1, "/n")};
  EXPECT_EQ(topmost_at(mounts, "/m")->id, 4);
  EXPECT_EQ(topmost_at(mounts, "/n")->id, 5);
  EXPECT_EQ(topmost_at(mounts, "/o"), nullptr);
  EXPECT_EQ(topmost_at(mounts, "/m/"), nullptr);
}

TEST(MountInfo, AStackNeedsNotBeListedInItsOrder) {
  const std::vector<MountEntry> mounts = {at(4, 3, "/m"), at(3, 2, "/m"), at(2, 1, "/m")};
  EXPECT_EQ(topmost_at(mounts, "/m")->id, 4);
}

TEST(MountInfo, AMountIsFoundByItsNumber) {
  const std::vector<MountEntry> mounts = {at(1, 0, "/"), at(2, 1, "/m")};
  EXPECT_EQ(find_mount(mounts, 2)->mountpoint, "/m");
  EXPECT_EQ(find_mount(mounts, 3), nullptr);
}

}  // namespace
}  // namespace sluicefs
