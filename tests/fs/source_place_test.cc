#include "mount/source_place.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "scratch.h"
#include "sluice/unique_fd.h"

namespace sluicefs {
namespace {

using sluice::UniqueFd;

SourcePlace located(const std::string& directory) {
  const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto place = locate_source(fd.get(), read_mounts().value());
  EXPECT_TRUE(place) << directory;
  return place.value_or(SourcePlace());
}

TEST(LocateSource, TheLineageGoesFromTheDirectoryToTheRoot) {
  const Scratch scratch;
  const std::string inner = scratch.directory("a/b");
  const SourcePlace place = located(inner);
  struct stat self {};
  struct stat parent {};
  struct stat root {};
  ASSERT_EQ(::stat(inner.c_str(), &self), 0);
  ASSERT_EQ(::stat(scratch.at("a").c_str(), &parent), 0);
  ASSERT_EQ(::stat("/", &root), 0);
  EXPECT_EQ(place.path, inner);
  ASSERT_GE(place.lineage.size(), 3U);
  EXPECT_EQ(place.lineage[0], (DirectoryId{self.st_dev, self.st_ino}));
  EXPECT_EQ(place.lineage[1], (DirectoryId{parent.st_dev, parent.st_ino}));
  EXPECT_EQ(place.lineage.back(), (DirectoryId{root.st_dev, root.st_ino}));
}

TEST(LocateSource, ThePathInTheFileSystemEndsAsThePathDoes) {
  const Scratch scratch;
  EXPECT_TRUE(located(scratch.directory("a/b")).path_in_file_system.ends_with("/a/b"));
  EXPECT_EQ(located("/proc").path_in_file_system, "/");
}

TEST(LocateSource, TheRootIsItsOwnWholeLineage) {
  EXPECT_EQ(located("/").lineage.size(), 1U);
}

TEST(LocateSource, ADescriptorThatIsNoneIsAnError) {
  EXPECT_FALSE(locate_source(-1, {}));
}

TEST(OverlapOf, IsToldByTheDirectoriesAbove) {
  const Scratch scratch;
  const SourcePlace outer = located(scratch.directory("s"));
  const SourcePlace inner = located(scratch.directory("s/a/b"));
  const SourcePlace beside = located(scratch.directory("s2"));
  EXPECT_EQ(overlap_of(outer, outer), Overlap::same);
  EXPECT_EQ(overlap_of(inner, outer), Overlap::inside);
  EXPECT_EQ(overlap_of(outer, inner), Overlap::around);
  EXPECT_EQ(overlap_of(outer, beside), Overlap::none);
  EXPECT_EQ(overlap_of(beside, inner), Overlap::none);
}

TEST(OverlapOf, AnotherFileSystemBelowASourceIsInsideIt) {
  EXPECT_EQ(overlap_of(located("/proc"), located("/")), Overlap::inside);
  EXPECT_EQ(overlap_of(located("/"), located("/proc")), Overlap::around);
}

/// A directory of one file system, reached over a mount of its own.
SourcePlace bound(ino_t inode, std::string path_in_file_system, dev_t file_system = 8) {
  SourcePlace place;
  place.file_system = file_system;
  place.path_in_file_system = std::move(path_in_file_system);
  place.lineage = {{file_system, inode}};
  return place;
}

TEST(OverlapOf, BindMountsAreToldByThePathInTheirFileSystem) {
  EXPECT_EQ(overlap_of(bound(1, "/srv/data"), bound(2, "/srv")), Overlap::inside);
  EXPECT_EQ(overlap_of(bound(1, "/srv"), bound(2, "/srv/data")), Overlap::around);
  EXPECT_EQ(overlap_of(bound(1, "/srv"), bound(2, "/")), Overlap::inside);
  EXPECT_EQ(overlap_of(bound(1, "/srv/data"), bound(2, "/srv/data2")), Overlap::none);
  EXPECT_EQ(overlap_of(bound(1, "/srv/data"), bound(2, "/srv/dat")), Overlap::none);
}

TEST(OverlapOf, ThePathsOfDifferentOrUnknownFileSystemsSayNothing) {
  EXPECT_EQ(overlap_of(bound(1, "/srv", 8), bound(2, "/srv", 9)), Overlap::none);
  EXPECT_EQ(overlap_of(bound(1, ""), bound(2, "/")), Overlap::none);
}

}  // namespace
}  // namespace sluicefs
