#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "mount_files.h"
#include "mount_fixture.h"

namespace sluice::testing {
namespace {

using MountDirectory = MountTest;

constexpr int kMany = 3000;  // More than one answer, and more than one buffer of ours, holds.
constexpr int kVeryMany = 10'000;

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

std::string numbered(int number) {
  return "a-name-of-some-length-" + std::to_string(number);
}

void make_many(const std::string& directory, int count = kMany) {
  for (int i = 0; i < count; ++i) make_file(directory + "/" + numbered(i), "");
}

std::vector<std::string> rest_of(DIR* directory) {
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(directory)) names.emplace_back(entry->d_name);
  return names;
}

TEST_F(MountDirectory, IsMadeAndRemoved) {
  ASSERT_EQ(::mkdir(at("d").c_str(), 0750), 0);
  EXPECT_TRUE(S_ISDIR(status(source("d")).st_mode));
  ASSERT_EQ(::rmdir(at("d").c_str()), 0);
  EXPECT_FALSE(exists(source("d")));
  EXPECT_FALSE(exists(at("d")));
}

TEST_F(MountDirectory, ManyEntriesAreEachListedOnce) {
  make_many(source("."));
  const Directory directory(::opendir(at(".").c_str()));
  const std::vector<std::string> names = rest_of(directory.get());
  EXPECT_EQ(names.size(), kMany + 2U);
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), kMany + 2U);
}

/// Name, inode and type of each entry; with `look`, attributes are asked for on the way, which makes the
/// kernel use READDIRPLUS throughout, else it uses READDIR but for the first answer.
std::set<std::tuple<std::string, ino_t, int>> entries_in(const std::string& path, bool look) {
  const Directory directory(::opendir(path.c_str()));
  std::set<std::tuple<std::string, ino_t, int>> entries;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string name = entry->d_name;
    if (look) static_cast<void>(status(std::string(path).append("/").append(name)));
    if (name == "." || name == "..") continue;
    EXPECT_TRUE(entries.emplace(name, entry->d_ino, entry->d_type).second) << name << " came twice";
  }
  return entries;
}

TEST_F(MountDirectory, ListsTheSameWithAttributesAndWithout) {
  make_many(source("."), kVeryMany);
  const auto expected = entries_in(source("."), false);
  EXPECT_EQ(expected.size(), static_cast<std::size_t>(kVeryMany));
  EXPECT_EQ(entries_in(at("."), false), expected);
  EXPECT_EQ(entries_in(at("."), true), expected);
}

TEST_F(MountDirectory, TwoReadersOfOneDescriptorShareItsPosition) {
  make_many(source("."));
  const UniqueFd fd = open_file(at("."), O_RDONLY | O_DIRECTORY);
  const UniqueFd same(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
  std::set<std::string> names;
  char records[4096];
  const UniqueFd* reader = &fd;
  while (true) {
    const long bytes = ::syscall(SYS_getdents64, reader->get(), records, sizeof records);
    ASSERT_GE(bytes, 0);
    if (bytes == 0) break;
    for (long at = 0; at < bytes;) {
      const auto* entry = reinterpret_cast<const dirent64*>(records + at);
      EXPECT_TRUE(names.emplace(entry->d_name).second) << entry->d_name;
      at += entry->d_reclen;
    }
    reader = reader == &fd ? &same : &fd;
  }
  EXPECT_EQ(names.size(), kMany + 2U);
}

TEST_F(MountDirectory, ASeekGoesBackToWhereARemovedEntryWas) {
  make_many(at("."));
  const Directory directory(::opendir(at(".").c_str()));
  for (int i = 0; i < kMany / 2; ++i) ASSERT_NE(::readdir(directory.get()), nullptr);
  const long place = ::telldir(directory.get());
  const std::vector<std::string> rest = rest_of(directory.get());
  ASSERT_EQ(::unlink(at(rest.front()).c_str()), 0);
  ::seekdir(directory.get(), place);
  EXPECT_EQ(rest_of(directory.get()), std::vector<std::string>(rest.begin() + 1, rest.end()));
}

TEST_F(MountDirectory, EntriesCarryInodeAndType) {
  make_file(source("f"), "");
  ::mkdir(source("d").c_str(), 0755);
  ASSERT_EQ(::symlink("f", source("l").c_str()), 0);
  const Directory directory(::opendir(at(".").c_str()));
  int seen = 0;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    ++seen;
    EXPECT_EQ(entry->d_ino, status(source(name)).st_ino) << name;
    EXPECT_EQ(DTTOIF(entry->d_type), status(source(name)).st_mode & S_IFMT) << name;
  }
  EXPECT_EQ(seen, 3);
}

TEST_F(MountDirectory, TelldirAndSeekdirComeBackToEveryEntry) {
  make_many(source("."));
  const Directory directory(::opendir(at(".").c_str()));
  std::vector<std::pair<long, std::string>> places;
  while (true) {
    const long place = ::telldir(directory.get());
    const dirent* entry = ::readdir(directory.get());
    if (entry == nullptr) break;
    places.emplace_back(place, entry->d_name);
  }
  ASSERT_EQ(places.size(), kMany + 2U);
  for (std::size_t i = 0; i < places.size(); i += 97) {
    const auto& [place, name] = places[places.size() - 1 - i];
    ::seekdir(directory.get(), place);
    const dirent* entry = ::readdir(directory.get());
    ASSERT_NE(entry, nullptr);
    EXPECT_EQ(entry->d_name, name);
  }
}

TEST_F(MountDirectory, RewinddirShowsWhatWasMadeSince) {
  make_file(at("first"), "");
  const Directory directory(::opendir(at(".").c_str()));
  EXPECT_EQ(rest_of(directory.get()).size(), 3U);
  make_file(at("second"), "");
  ::rewinddir(directory.get());
  EXPECT_EQ(rest_of(directory.get()).size(), 4U);
}

TEST_F(MountDirectory, EntriesRemovedWhileListingAreAllReached) {
  make_many(at("."));
  const Directory directory(::opendir(at(".").c_str()));
  while (const dirent* entry = ::readdir(directory.get())) {
    if (entry->d_name[0] == '.') continue;
    EXPECT_EQ(::unlink(at(entry->d_name).c_str()), 0);
  }
  EXPECT_TRUE(names_in(source(".")).empty());
}

TEST_F(MountDirectory, AttributesThatAListingBroughtAreThoseOfTheFiles) {
  for (int i = 0; i < 100; ++i) make_file(source(numbered(i)), std::string(static_cast<std::size_t>(i), 'x'));
  const Directory directory(::opendir(at(".").c_str()));
  int seen = 0;
  while (const dirent* entry = ::readdir(directory.get())) {  // READDIRPLUS at first.
    if (entry->d_name[0] == '.') continue;
    ++seen;
    EXPECT_EQ(status(at(entry->d_name)).st_size, status(source(entry->d_name)).st_size);
  }
  EXPECT_EQ(seen, 100);
}

TEST_F(MountDirectory, ParentOfASubdirectoryIsTheRoot) {
  ::mkdir(at("d").c_str(), 0755);
  EXPECT_EQ(status(at("d/..")).st_ino, status(at(".")).st_ino);
  EXPECT_EQ(status(at(".")).st_nlink, status(source(".")).st_nlink);
}

TEST_F(MountDirectory, RemovedWhileOpenItIsEmptyAndTakesNoNames) {
  ::mkdir(at("d").c_str(), 0755);
  const UniqueFd fd = open_file(at("d"), O_RDONLY | O_DIRECTORY);
  ASSERT_EQ(::rmdir(at("d").c_str()), 0);
  struct stat status {};
  EXPECT_EQ(::fstat(fd.get(), &status), 0);
  EXPECT_EQ(status.st_nlink, 0U);
  EXPECT_EQ(error_of(::openat(fd.get(), "f", O_WRONLY | O_CREAT | O_CLOEXEC, 0644)), ENOENT);
  EXPECT_EQ(error_of(::mkdirat(fd.get(), "f", 0755)), ENOENT);
  EXPECT_EQ(error_of(::faccessat(fd.get(), "f", F_OK, 0)), ENOENT);
  char buffer[1024];
  EXPECT_EQ(error_of(::syscall(SYS_getdents64, fd.get(), buffer, sizeof buffer)), ENOENT);
  EXPECT_EQ(::fsync(fd.get()), 0);
}

TEST_F(MountDirectory, RemovedAsSomebodysWorkingDirectoryItStillHasAttributes) {
  ::mkdir(at("d").c_str(), 0755);
  EXPECT_EQ(run_in_child([&] {
              struct stat status {};
              if (::chdir(at("d").c_str()) != 0 || ::rmdir(at("d").c_str()) != 0) return 255;
              return ::stat(".", &status) == 0 ? 0 : errno;
            }),
            0);
}

TEST_F(MountDirectory, NamesOf255BytesWorkAndLongerOnesDoNot) {
  const std::string longest(255, 'n');
  make_file(at(longest), "x");
  EXPECT_EQ(content(source(longest)), "x");
  EXPECT_EQ(names_in(at(".")), std::vector<std::string>{longest});
  EXPECT_EQ(error_of(::mkdir(at(std::string(256, 'n')).c_str(), 0755)), ENAMETOOLONG);
  EXPECT_EQ(error_of(::access(at(std::string(256, 'n')).c_str(), F_OK)), ENAMETOOLONG);
}

TEST_F(MountDirectory, ATreeDeeperThanOnePathIsWalkedByDescriptors) {
  UniqueFd fd = open_file(at("."), O_RDONLY | O_DIRECTORY);
  const std::string name(200, 'd');
  for (int depth = 0; depth < 40; ++depth) {  // 8,000 bytes.
    ASSERT_EQ(::mkdirat(fd.get(), name.c_str(), 0755), 0);
    fd.reset(::openat(fd.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ASSERT_TRUE(fd.valid());
  }
  EXPECT_EQ(::symlinkat("x", fd.get(), "deepest"), 0);
  struct stat status {};
  EXPECT_EQ(::fstatat(fd.get(), "deepest", &status, AT_SYMLINK_NOFOLLOW), 0);
}

}  // namespace
}  // namespace sluice::testing
