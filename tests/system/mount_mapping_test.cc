#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string>

#include "mount_files.h"
#include "mount_fixture.h"
#include "mount_mapping.h"

namespace sluice::testing {
namespace {

using MountMapping = MountTest;

constexpr std::chrono::seconds kPatience{20};

TEST_F(MountMapping, WhatIsWrittenToASharedMappingIsInTheSourceAfterMsync) {
  if (!is_tracked()) GTEST_SKIP() << kOnlyTracked;
  make_file(at("f"), std::string(4096, '.'));
  const UniqueFd fd = open_file(at("f"), O_RDWR);
  const Mapping mapping(fd.get(), 4096, MAP_SHARED);
  mapping.bytes()[7] = 'm';
  const SyncCounts counts = counts_of([&] { EXPECT_EQ(mapping.sync(MS_SYNC), 0); });
  EXPECT_EQ(counts, kOneSync);
  EXPECT_EQ(content(source("f")).substr(6, 3), ".m.");
}

TEST_F(MountMapping, FsyncCoversAMappedPageWrittenSinceTheLastOne) {
  if (!is_tracked()) GTEST_SKIP() << kOnlyTracked;
  make_file(at("f"), std::string(4096, '.'));
  const UniqueFd fd = open_file(at("f"), O_RDWR);
  const Mapping mapping(fd.get(), 4096, MAP_SHARED);
  ASSERT_EQ(::fdatasync(fd.get()), 0);
  for (const char mark : {'1', '2'}) {
    mapping.bytes()[0] = mark;
    EXPECT_EQ(counts_of([&] { EXPECT_EQ(::fdatasync(fd.get()), 0); }), kOneSync);
    EXPECT_EQ(content(source("f"))[0], mark);
  }
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(::fdatasync(fd.get()), 0); }), kElided);
}

TEST_F(MountMapping, AnotherHandleReadsWhatAMappingHolds) {
  make_file(at("f"), std::string(4096, '.'));
  const UniqueFd fd = open_file(at("f"), O_RDWR);
  const Mapping mapping(fd.get(), 4096, MAP_SHARED);
  mapping.bytes()[0] = 'm';
  EXPECT_EQ(content(at("f"))[0], 'm');
  EXPECT_EQ(::pwrite(fd.get(), "w", 1, 1), 1);
  EXPECT_EQ(mapping.bytes()[1], 'w');
}

TEST_F(MountMapping, APrivateMappingChangesNothing) {
  make_file(at("f"), std::string(4096, '.'));
  const UniqueFd fd = open_file(at("f"), O_RDONLY);
  {
    const Mapping mapping(fd.get(), 4096, MAP_PRIVATE);
    EXPECT_EQ(mapping.bytes()[0], '.');
    mapping.bytes()[0] = 'm';
  }
  EXPECT_EQ(content(at("f")), std::string(4096, '.'));
  EXPECT_EQ(content(source("f")), std::string(4096, '.'));
}

TEST_F(MountMapping, TheLastPageOfAnOddFileIsWrittenBackWithoutGrowingIt) {
  make_file(at("f"), std::string(5000, '.'));
  const UniqueFd fd = open_file(at("f"), O_RDWR);
  const Mapping mapping(fd.get(), 5000, MAP_SHARED);
  mapping.bytes()[4999] = 'm';
  EXPECT_EQ(::fsync(fd.get()), 0);
  EXPECT_EQ(content(source("f")), std::string(4999, '.') + "m");
}

TEST_F(MountMapping, PagesDirtiedThroughAMappingThatOutlivesItsDescriptorAreWrittenBack) {
  make_file(at("f"), std::string(4096, '.'));
  UniqueFd fd = open_file(at("f"), O_RDWR);
  const Mapping mapping(fd.get(), 4096, MAP_SHARED);
  fd.reset();
  mapping.bytes()[0] = 'm';
  EXPECT_EQ(mapping.sync(MS_SYNC), 0);
  EXPECT_EQ(content(source("f"))[0], 'm');
}

TEST_F(MountMapping, MappedPagesOfADirectDescriptorAreWrittenBackInOddSizes) {
  make_file(at("f"), std::string(5000, '.'));
  const UniqueFd fd = open_file(at("f"), O_RDWR | O_DIRECT);
  const Mapping mapping(fd.get(), 5000, MAP_SHARED);
  mapping.bytes()[4999] = 'm';
  EXPECT_EQ(::fsync(fd.get()), 0);
  EXPECT_EQ(content(source("f")), std::string(4999, '.') + "m");
}

TEST_F(MountMapping, AProgramRunsFromTheMount) {
  std::string program = content("/bin/true");
  make_file(at("true"), program, 0755);
  EXPECT_EQ(run_in_child([&] {
              ::execl(at("true").c_str(), "true", nullptr);
              return errno;
            }),
            0);
}

TEST_F(MountMapping, AProgramRunsFromTheSourceAfterItWasWrittenThroughTheMount) {
  make_file(at("true"), content("/bin/true"), 0755);
  const auto run = [&] {
    return run_in_child([&] {
      ::execl(source("true").c_str(), "true", nullptr);
      return errno;
    });
  };
  // close(2) does not wait for the daemon to close its open file of the source (fuse_release sends RELEASE in
  // the background); the descriptor that it keeps for syncs, if that could write, would be there for good.
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  int status = run();
  while (status == ETXTBSY && std::chrono::steady_clock::now() < deadline) status = run();
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace sluice::testing
