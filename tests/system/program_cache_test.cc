#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "loop_file_system.h"
#include "mount_files.h"
#include "mount_mapping.h"
#include "program_fixture.h"

namespace sluice::testing {
namespace {

/// What the kernel keeps of files in its cache of the mount, while the source is written by others too.
class ProgramCache : public ProgramTest {
 protected:
  static constexpr std::size_t kSize = 64 * 1024;

  static std::string read_at(const UniqueFd& fd, off_t offset, std::size_t length) {
    std::string bytes(length, '\0');
    const ssize_t got = ::pread(fd.get(), bytes.data(), length, offset);
    bytes.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return bytes;
  }
  static bool write_at(const UniqueFd& fd, off_t offset, const std::string& bytes) {
    return ::pwrite(fd.get(), bytes.data(), bytes.size(), offset) == static_cast<ssize_t>(bytes.size());
  }
};

// A kernel that drops its cache because of a time stamp drops the pages of this write too, which are not in
// the source yet, and would read them from there once more and keep that (fuse_change_attributes,
// auto_inval_data).
TEST_F(ProgramCache, WhatIsBeingWrittenWhileSomebodyAsksForAttributesIsInTheMappingAfterwards) {
  const LoopFileSystem disk(base(), 64, 64);
  Start start;
  start.arguments = {"-f", disk.directory(), mountpoint(), "-o", "data=tracked"};
  Program program(start);
  ASSERT_TRUE(serves(program));
  {
    make_file(at("f"), std::string(2 * kSize, 'o'));
    const UniqueFd file = open_file(at("f"), O_RDWR);
    const Mapping mapping(file.get(), 2 * kSize, MAP_SHARED);
    ASSERT_TRUE(
        write_at(file, 0, "n"));  // From here on the kernel does not know the time of the last change.

    const std::string written(kSize, 'n');
    const auto in_mapping = [&] { return std::string(mapping.bytes() + kSize, kSize) == written; };
    Frozen frozen(disk);
    std::thread writer([&] { EXPECT_TRUE(write_at(file, kSize, written)); });
    EXPECT_TRUE(eventually(in_mapping));
    status(at("f"));
    in_mapping();
    frozen.thaw();
    writer.join();
    EXPECT_TRUE(in_mapping());
  }
  EXPECT_EQ(stop(program), 0);
}

TEST_F(ProgramCache, AChangeBehindTheMountOfTheSameSizeIsSeenByWhoOpensTheFile) {
  Program program(foreground());
  ASSERT_TRUE(serves(program));
  make_file(source("f"), "before");
  EXPECT_EQ(content(at("f")), "before");
  make_file(source("f"), "behind");
  EXPECT_TRUE(eventually([&] { return content(at("f")) == "behind"; }));
  EXPECT_EQ(stop(program), 0);
}

TEST_F(ProgramCache, AChangeBehindTheMountIsSeenByWhoHasTheFileMapped) {
  Program program(foreground());
  ASSERT_TRUE(serves(program));
  {
    make_file(source("f"), std::string(kSize, 'b'));
    const UniqueFd file = open_file(at("f"), O_RDONLY);
    const Mapping mapping(file.get(), kSize, MAP_SHARED, PROT_READ);
    EXPECT_EQ(mapping.bytes()[100], 'b');
    ASSERT_TRUE(write_at(open_file(source("f"), O_WRONLY), 100, "a"));
    EXPECT_TRUE(eventually([&] {
      status(at("f"));
      return mapping.bytes()[100] == 'a';
    }));
  }
  EXPECT_EQ(stop(program), 0);
}

TEST_F(ProgramCache, AChangeBehindTheMountOfAFileThatWasMadeHereIsSeen) {
  Program program(foreground());
  ASSERT_TRUE(serves(program));
  make_file(at("f"), std::string(kSize, 'b'));
  ASSERT_TRUE(write_at(open_file(source("f"), O_WRONLY), 0, std::string(kSize, 'a')));
  EXPECT_TRUE(eventually([&] { return content(at("f")) == std::string(kSize, 'a'); }));
  EXPECT_EQ(stop(program), 0);
}

TEST_F(ProgramCache, AChangeBehindTheMountIsSeenByWhoReadsOnAndAsksForNoAttributes) {
  Program program(foreground());
  ASSERT_TRUE(serves(program));
  {
    make_file(source("f"), std::string(kSize, 'b'));
    const UniqueFd reader = open_file(at("f"), O_RDONLY);
    EXPECT_EQ(read_at(reader, 100, 1), "b");
    ASSERT_TRUE(write_at(open_file(source("f"), O_WRONLY), 100, "a"));
    EXPECT_TRUE(eventually([&] { return read_at(reader, 100, 1) == "a"; }));
  }
  EXPECT_EQ(stop(program), 0);
}

TEST_F(ProgramCache, AChangeBehindTheMountBesideOursIsSeenOnceNobodyHereWritesTheFile) {
  Program program(foreground());
  ASSERT_TRUE(serves(program));
  {
    make_file(at("f"), std::string(kSize, 'b'));
    const UniqueFd reader = open_file(at("f"), O_RDONLY);
    EXPECT_EQ(read_at(reader, 100, 1), "b");
    {
      const UniqueFd writer = open_file(at("f"), O_WRONLY);
      ASSERT_TRUE(write_at(open_file(source("f"), O_WRONLY), 100, "a"));
      ASSERT_TRUE(write_at(writer, 50, "o"));
    }
    EXPECT_TRUE(eventually([&] { return read_at(reader, 100, 1) == "a"; }));
  }
  EXPECT_EQ(stop(program), 0);
}

}  // namespace
}  // namespace sluice::testing
