#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "mount_files.h"
#include "mount_fixture.h"
#include "mount_mapping.h"

// Every mutation is an epoch of each inode that it touches, and of no other: when all was durable before an
// operation, the next fsync of an inode that it touched asks the device, and that of any other does not. An
// operation that changed metadata only leaves fdatasync nothing to do.

namespace sluice::testing {
namespace {

/// What an operation does to an inode.
enum class Touch { nothing, metadata, data };
using enum Touch;
std::ostream& operator<<(std::ostream& out, Touch touch) {
  return out << (touch == data ? "data" : touch == metadata ? "metadata" : "nothing");
}

/// The inodes that operations work on, each held open, by their names: files dir/f, other/g and
/// dir/bystander, directories dir, other, dir/sub and bystanders.
class Stage {
 public:
  explicit Stage(const MountFixture& fixture) : fixture_(fixture) {
    for (const char* directory : {"dir", "other", "dir/sub", "bystanders"}) {
      EXPECT_EQ(::mkdir(path(directory).c_str(), 0755), 0);
      hold(directory, O_RDONLY | O_DIRECTORY);
    }
    for (const char* file : {"dir/f", "other/g", "dir/bystander"}) {
      make_file(path(file), std::string(8192, '.'));
      EXPECT_EQ(::setxattr(path(file).c_str(), "user.there", "x", 1, 0), 0);
      hold(file, O_RDWR);
    }
    EXPECT_EQ(::link(path("dir/bystander").c_str(), path("dir/second-name").c_str()), 0);
  }

  [[nodiscard]] std::string path(std::string_view name) const { return fixture_.at(name); }
  [[nodiscard]] int fd(const std::string& name) const { return held_.at(name).get(); }
  [[nodiscard]] int f() const { return fd("dir/f"); }

  void make_durable() const {
    for (const auto& [name, fd] : held_) EXPECT_EQ(::fsync(fd.get()), 0) << name;
    for (const auto& [name, fd] : held_)
      EXPECT_EQ(touch_of(name), nothing) << name << " before the operation";
  }

  /// As the next syncs of the inode tell.
  [[nodiscard]] Touch touch_of(const std::string& name) const {
    const bool data = asks_device(name, ::fdatasync);
    const bool full = asks_device(name, ::fsync);
    return data ? Touch::data : full ? metadata : nothing;
  }
  [[nodiscard]] std::map<std::string, Touch> touches() const {
    std::map<std::string, Touch> all;
    for (const auto& [name, fd] : held_) {
      if (const Touch touch = touch_of(name); touch != nothing) all.emplace(name, touch);
    }
    return all;
  }

 private:
  void hold(const std::string& name, int flags) { held_.emplace(name, open_file(path(name), flags)); }
  /// Whether it does so because of an epoch, and not because statx(2) noticed a change that nobody announced.
  [[nodiscard]] bool asks_device(const std::string& name, int (*sync)(int)) const {
    const std::uint64_t noticed_before = noticed();
    const SyncCounts counts = fixture_.counts_of([&] { EXPECT_EQ(sync(fd(name)), 0) << name; });
    EXPECT_TRUE(counts == kOneSync || counts == kElided) << name << ": " << counts;
    return counts == kOneSync && noticed() == noticed_before;
  }
  [[nodiscard]] std::uint64_t noticed() const { return fixture_.mount().counters().changed_behind; }

  const MountFixture& fixture_;
  std::map<std::string, UniqueFd> held_;
};

struct Operation {
  const char* name;
  /// 0 or the error number.
  int (*run)(const Stage& stage);
  /// Those that are not named are touched in no way.
  std::map<std::string, Touch> touches;
};
std::ostream& operator<<(std::ostream& out, const Operation& operation) {
  return out << operation.name;
}
int rename(const Stage& stage, const char* from, const char* to, unsigned flags = 0) {
  return error_of(::renameat2(AT_FDCWD, stage.path(from).c_str(), AT_FDCWD, stage.path(to).c_str(), flags));
}
int open_and_close(const Stage& stage, const char* name, int flags) {
  return open_file(stage.path(name), flags).valid() ? 0 : errno;
}

std::vector<Operation> writes() {
  return {
      {"Write", [](const Stage& on) { return error_of(::pwrite(on.f(), "x", 1, 0)); }, {{"dir/f", data}}},
      {"WritePastTheEnd",
       [](const Stage& on) { return error_of(::pwrite(on.f(), "x", 1, 100'000)); },
       {{"dir/f", data}}},
      {"Append",
       [](const Stage& on) {
         const UniqueFd fd = open_file(on.path("dir/f"), O_WRONLY | O_APPEND);
         return error_of(::write(fd.get(), "x", 1));
       },
       {{"dir/f", data}}},
      {"MappedWrite",
       [](const Stage& on) {
         const Mapping mapping(on.f(), 4096, MAP_SHARED);
         mapping.bytes()[0] = 'm';
         return 0;
       },
       {{"dir/f", data}}},
      {"Truncate",
       [](const Stage& on) { return error_of(::truncate(on.path("dir/f").c_str(), 10)); },
       {{"dir/f", data}}},
      {"TruncateToWhatItIs",
       [](const Stage& on) { return error_of(::ftruncate(on.f(), 8192)); },
       {{"dir/f", data}}},
      {"OpenTruncating",
       [](const Stage& on) { return open_and_close(on, "dir/f", O_WRONLY | O_TRUNC); },
       {{"dir/f", data}}},
      {"CreateTruncating",
       [](const Stage& on) { return open_and_close(on, "dir/f", O_WRONLY | O_CREAT | O_TRUNC); },
       {{"dir/f", data}}},
      {"Allocate",
       [](const Stage& on) { return error_of(::fallocate(on.f(), 0, 0, 100'000)); },
       {{"dir/f", data}}},
      {"AllocateWithinTheSize",
       [](const Stage& on) { return error_of(::fallocate(on.f(), FALLOC_FL_KEEP_SIZE, 0, 100'000)); },
       {{"dir/f", data}}},
      {"PunchHole",
       [](const Stage& on) {
         return error_of(::fallocate(on.f(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
       },
       {{"dir/f", data}}},
      {"CopyFileRange",
       [](const Stage& on) {
         return error_of(::copy_file_range(on.fd("other/g"), nullptr, on.f(), nullptr, 100, 0));
       },
       {{"dir/f", data}}},
  };
}

std::vector<Operation> attribute_changes() {
  return {
      {"Chmod", [](const Stage& on) { return error_of(::fchmod(on.f(), 0600)); }, {{"dir/f", metadata}}},
      {"Chown", [](const Stage& on) { return error_of(::fchown(on.f(), 1, 2)); }, {{"dir/f", metadata}}},
      {"SetAccessTime",
       [](const Stage& on) {
         const timespec times[2] = {{1, 0}, {0, UTIME_OMIT}};
         return error_of(::futimens(on.f(), times));
       },
       {{"dir/f", metadata}}},
      {"SetModificationTime",
       [](const Stage& on) {
         const timespec times[2] = {{0, UTIME_OMIT}, {1, 0}};
         return error_of(::futimens(on.f(), times));
       },
       {{"dir/f", metadata}}},
      {"SetXattr",
       [](const Stage& on) { return error_of(::fsetxattr(on.f(), "user.a", "x", 1, 0)); },
       {{"dir/f", metadata}}},
      {"RemoveXattr",
       [](const Stage& on) { return error_of(::fremovexattr(on.f(), "user.there")); },
       {{"dir/f", metadata}}},
      {"ChmodOfADirectory",
       [](const Stage& on) { return error_of(::fchmod(on.fd("dir"), 0700)); },
       {{"dir", data}}},
      {"SetXattrOfADirectory",
       [](const Stage& on) { return error_of(::fsetxattr(on.fd("dir"), "user.a", "x", 1, 0)); },
       {{"dir", data}}},
  };
}

std::vector<Operation> name_changes() {
  return {
      {"Create",
       [](const Stage& on) { return open_and_close(on, "dir/new", O_WRONLY | O_CREAT); },
       {{"dir", data}}},
      {"CreateExclusively",
       [](const Stage& on) { return open_and_close(on, "dir/new", O_WRONLY | O_CREAT | O_EXCL); },
       {{"dir", data}}},
      {"Mknod",
       [](const Stage& on) { return error_of(::mknod(on.path("dir/new").c_str(), S_IFIFO | 0600, 0)); },
       {{"dir", data}}},
      {"Symlink",
       [](const Stage& on) { return error_of(::symlink("x", on.path("dir/new").c_str())); },
       {{"dir", data}}},
      {"Mkdir",
       [](const Stage& on) { return error_of(::mkdir(on.path("dir/new").c_str(), 0755)); },
       {{"dir", data}}},
      {"Rmdir",
       [](const Stage& on) { return error_of(::rmdir(on.path("bystanders").c_str())); },
       {{"bystanders", data}}},
      {"Link",
       [](const Stage& on) {
         return error_of(::link(on.path("dir/f").c_str(), on.path("other/new").c_str()));
       },
       {{"dir/f", metadata}, {"other", data}}},
      {"UnlinkOfTheOnlyName",
       [](const Stage& on) { return error_of(::unlink(on.path("dir/f").c_str())); },
       {{"dir/f", metadata}, {"dir", data}}},
      {"UnlinkOfOneNameOfTwo",
       [](const Stage& on) { return error_of(::unlink(on.path("dir/second-name").c_str())); },
       {{"dir/bystander", metadata}, {"dir", data}}},
      {"Rename",
       [](const Stage& on) { return rename(on, "dir/f", "dir/new"); },
       {{"dir/f", metadata}, {"dir", data}}},
      {"RenameToAnotherDirectory",
       [](const Stage& on) { return rename(on, "dir/f", "other/new"); },
       {{"dir/f", metadata}, {"dir", data}, {"other", data}}},
      {"RenameThatReplaces",
       [](const Stage& on) { return rename(on, "dir/f", "other/g"); },
       {{"dir/f", metadata}, {"other/g", metadata}, {"dir", data}, {"other", data}}},
      {"RenameWithoutReplacing",
       [](const Stage& on) { return rename(on, "dir/f", "other/new", RENAME_NOREPLACE); },
       {{"dir/f", metadata}, {"dir", data}, {"other", data}}},
      {"Exchange",
       [](const Stage& on) { return rename(on, "dir/f", "other/g", RENAME_EXCHANGE); },
       {{"dir/f", metadata}, {"other/g", metadata}, {"dir", data}, {"other", data}}},
      {"RenameOfADirectory",
       [](const Stage& on) { return rename(on, "dir/sub", "other/new"); },
       {{"dir/sub", data}, {"dir", data}, {"other", data}}},
  };
}

std::vector<Operation> looks() {
  return {
      {"Read",
       [](const Stage& on) {
         char byte = 0;
         return error_of(::pread(on.f(), &byte, 1, 0));
       },
       {}},
      {"OpenForWriting", [](const Stage& on) { return open_and_close(on, "dir/f", O_RDWR); }, {}},
      {"CreateOfWhatExists",
       [](const Stage& on) { return open_and_close(on, "dir/f", O_RDWR | O_CREAT); },
       {}},
      {"MappedRead",
       [](const Stage& on) {
         const Mapping mapping(on.f(), 4096, MAP_SHARED);
         return mapping.bytes()[0] == '.' ? 0 : EIO;
       },
       {}},
      {"Stat", [](const Stage& on) { return status(on.path("dir/f")).st_size == 8192 ? 0 : EIO; }, {}},
      {"GetXattr", [](const Stage& on) { return xattr(on.path("dir/f"), "user.there") ? 0 : ENODATA; }, {}},
      {"List", [](const Stage& on) { return names_in(on.path("dir")).empty() ? ENOENT : 0; }, {}},
      {"SeekToData", [](const Stage& on) { return error_of(::lseek(on.f(), 0, SEEK_DATA)); }, {}},
  };
}

class MountEpoch : public TrackedMountTest, public ::testing::WithParamInterface<Operation> {};

TEST_P(MountEpoch, ATouchedInodeAsksTheDeviceAndNoOtherDoes) {
  const Stage stage(fixture());
  stage.make_durable();
  ASSERT_EQ(GetParam().run(stage), 0);
  EXPECT_EQ(stage.touches(), GetParam().touches);
}

std::string name_of(const ::testing::TestParamInfo<Operation>& info) {
  return info.param.name;
}
INSTANTIATE_TEST_SUITE_P(Writes, MountEpoch, ::testing::ValuesIn(writes()), name_of);
INSTANTIATE_TEST_SUITE_P(Attributes, MountEpoch, ::testing::ValuesIn(attribute_changes()), name_of);
INSTANTIATE_TEST_SUITE_P(Names, MountEpoch, ::testing::ValuesIn(name_changes()), name_of);
INSTANTIATE_TEST_SUITE_P(Looks, MountEpoch, ::testing::ValuesIn(looks()), name_of);

using MountReopened = TrackedMountTest;

/// As dpkg and PostgreSQL do: written by one descriptor, synced by another.
TEST_F(MountReopened, AFileThatIsSyncedByAnotherDescriptorIsStillDirty) {
  make_file(at("f"), "x");
  const UniqueFd fd = open_file(at("f"), O_WRONLY);
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(::fsync(fd.get()), 0); }), kOneSync);
}

TEST_F(MountReopened, ADurableFileStaysDurable) {
  make_file(at("f"), "x");
  EXPECT_EQ(::fsync(open_file(at("f"), O_WRONLY).get()), 0);
  const UniqueFd fd = open_file(at("f"), O_WRONLY);
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(::fsync(fd.get()), 0); }), kElided);
}

using MountNewInode = TrackedMountTest;

TEST_F(MountNewInode, OfAFileIsDirtyUntilItIsSynced) {
  const UniqueFd fd = open_file(at("f"), O_RDWR | O_CREAT);
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(::fdatasync(fd.get()), 0); }), kOneSync);
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(::fsync(fd.get()), 0); }), kOneSync);
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(::fsync(fd.get()), 0); }), kElided);
}

TEST_F(MountNewInode, OfADirectoryIsDirtyUntilItIsSynced) {
  ASSERT_EQ(::mkdir(at("d").c_str(), 0755), 0);
  const UniqueFd fd = open_file(at("d"), O_RDONLY | O_DIRECTORY);
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(::fsync(fd.get()), 0); }), kOneSync);
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(::fsync(fd.get()), 0); }), kElided);
}

TEST_F(MountNewInode, ThatGotTheNumberOfADurableOneIsDirty) {
  // ext4 gives the number of a removed file to the next that is made.
  for (int i = 0; i < 20; ++i) {
    const UniqueFd fd = open_file(at("f"), O_RDWR | O_CREAT | O_EXCL);
    EXPECT_EQ(counts_of([&] { EXPECT_EQ(::fsync(fd.get()), 0); }), kOneSync);
    ASSERT_EQ(::unlink(at("f").c_str()), 0);
  }
}

}  // namespace
}  // namespace sluice::testing
