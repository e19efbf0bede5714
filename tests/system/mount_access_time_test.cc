#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include "mount_files.h"
#include "mount_fixture.h"

namespace sluice::testing {
namespace {

constexpr time_t kLongAgo = 1'000'000'000;

/// Makes the next reading change the access time, under relatime as well.
void set_access_time_back(const std::string& path) {
  const std::array<timespec, 2> times{timespec{kLongAgo, 0}, timespec{kLongAgo + 1, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times.data(), 0), 0);
}

/// Writes "content" to a new file, whose name is `path`, and reads it from the source once its access time is
/// long ago.
void write_and_read(const UniqueFd& fd, const std::string& path) {
  EXPECT_EQ(::write(fd.get(), "content", 7), 7);
  set_access_time_back(path);
  std::array<char, 7> bytes{};
  EXPECT_EQ(::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED), 0);
  EXPECT_EQ(::pread(fd.get(), bytes.data(), bytes.size(), 0), 7);
}

/// A file, a new one, one that gets its name after it is read, and a directory that are read through a mount
/// with these flags.
struct AccessTimes {
  bool file_changed = false;
  bool created_file_changed = false;
  bool nameless_file_changed = false;
  bool directory_changed = false;
};

AccessTimes read_through(const std::vector<std::string>& mount_flags) {
  const MountFixture mount({.mount_flags = mount_flags});
  make_file(mount.source("file"), "content");
  EXPECT_EQ(::mkdir(mount.source("directory").c_str(), 0755), 0);
  make_file(mount.source("directory/name"), "");
  set_access_time_back(mount.source("file"));
  set_access_time_back(mount.source("directory"));
  EXPECT_EQ(content(mount.at("file")), "content");
  EXPECT_EQ(names_in(mount.at("directory")), std::vector<std::string>{"name"});

  write_and_read(open_file(mount.at("created"), O_RDWR | O_CREAT | O_EXCL), mount.source("created"));
  const UniqueFd nameless = open_file(mount.mountpoint(), O_RDWR | O_TMPFILE);
  const std::string by_descriptor = "/proc/self/fd/" + std::to_string(nameless.get());
  write_and_read(nameless, by_descriptor);
  const std::string new_name = mount.at("nameless");
  EXPECT_EQ(::linkat(AT_FDCWD, by_descriptor.c_str(), AT_FDCWD, new_name.c_str(), AT_SYMLINK_FOLLOW), 0);

  const auto changed = [&](const char* name) {
    return status(mount.source(name)).st_atim.tv_sec != kLongAgo;
  };
  return {changed("file"), changed("created"), changed("nameless"), changed("directory")};
}

constexpr const char* kNoAccessTimes = "the source is mounted with noatime";

TEST(MountAccessTimeTest, ReadingChangesTheAccessTimeWhereTheSourceKeepsIt) {
  const AccessTimes times = read_through({});
  if (!times.file_changed) GTEST_SKIP() << kNoAccessTimes;
  EXPECT_TRUE(times.created_file_changed);
  EXPECT_TRUE(times.nameless_file_changed);
  EXPECT_TRUE(times.directory_changed);
}

TEST(MountAccessTimeTest, ANoatimeMountKeepsTheAccessTimesOfTheSource) {
  if (data_mode_of_environment() == sluicefs::DataMode::passthrough) GTEST_SKIP() << "refused at mount";
  if (!read_through({}).file_changed) GTEST_SKIP() << kNoAccessTimes;
  const AccessTimes times = read_through({"noatime"});
  EXPECT_FALSE(times.file_changed);
  EXPECT_FALSE(times.created_file_changed);
  EXPECT_FALSE(times.nameless_file_changed);
  EXPECT_FALSE(times.directory_changed);
}

}  // namespace
}  // namespace sluice::testing
