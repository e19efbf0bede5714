#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "mount_files.h"
#include "parity_test.h"

/// What the flags of a mount forbid, on a mount of ours and on a bind mount with the same flags.
namespace sluice::testing::parity {
namespace {

/// Where the flags come from.
enum class Given : std::uint8_t { as_options, by_remount, below };

struct Flags {
  std::string name;
  unsigned long flags;
  Given given;
  Caller caller;
};
std::ostream& operator<<(std::ostream& out, const Flags& flags) {
  return out << flags.name;
}

std::vector<Flags> every_flag() {
  constexpr unsigned long kAll = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  constexpr std::pair<const char*, unsigned long> kFlags[] = {
      {"none", 0},           {"ro", MS_RDONLY},         {"nosuid", MS_NOSUID}, {"nodev", MS_NODEV},
      {"noexec", MS_NOEXEC}, {"all", kAll | MS_RDONLY}, {"allbutro", kAll}};
  std::vector<Flags> all;
  for (const Caller& caller : kCallers) {
    for (const auto& [name, flags] : kFlags) {
      const std::string words = fmt::format("{}_{}", caller.name, name);
      all.push_back({words + "_as_options", flags, Given::as_options, caller});
      all.push_back({words + "_by_remount", flags, Given::by_remount, caller});
      // A source that cannot be written refuses it itself.
      if ((flags & MS_RDONLY) == 0)
        all.push_back({words + "_of_the_mount_below", flags, Given::below, caller});
    }
  }
  return all;
}

std::vector<std::string> words_of(unsigned long flags) {
  std::vector<std::string> words;
  if ((flags & MS_NOSUID) != 0) words.emplace_back("nosuid");
  if ((flags & MS_NODEV) != 0) words.emplace_back("nodev");
  if ((flags & MS_NOEXEC) != 0) words.emplace_back("noexec");
  return words;
}

/// A program that fails unless it may read what root only may, a device, and files of the caller.
void populate(const std::string& directory, const Caller& caller) {
  std::filesystem::copy_file("/bin/cat", directory + "/cat");
  std::filesystem::copy_file("/bin/cat", directory + "/setuid cat");
  EXPECT_EQ(::chmod((directory + "/setuid cat").c_str(), 04755), 0);
  make_file(directory + "/secret", "text", 0400);
  EXPECT_EQ(::mknod((directory + "/null").c_str(), S_IFCHR | 0666, makedev(1, 3)), 0);
  EXPECT_EQ(::chmod((directory + "/null").c_str(), 0666), 0);
  EXPECT_EQ(::mkdir((directory + "/own").c_str(), 0755), 0);
  make_file(directory + "/own/f", "text");
  for (const char* const name : {"/own", "/own/f"}) {
    EXPECT_EQ(::chown((directory + name).c_str(), caller.uid, caller.gid), 0);
  }
}

void run_cat(Place& at, const char* program, const char* argument) {
  const pid_t child = ::fork();
  if (child == 0) {
    const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    for (const int fd : {0, 1, 2}) ::dup2(null.get(), fd);
    ::execl(program, "cat", argument, nullptr);
    ::_exit(errno);
  }
  int status = 0;
  at.require(::waitpid(child, &status, 0) == child, "waitpid");
  at.note(std::string(program) + " ended with", status);
}

void use_everything(Place& at) {
  struct statvfs statistics {};
  CALL(::statvfs(".", &statistics));
  at.note("flags", statistics.f_flag & (ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC));
  run_cat(at, "./cat", "/dev/null");
  run_cat(at, "./setuid cat", "secret");
  OPEN(::open("null", O_RDWR));
  CALL(::access("null", R_OK | W_OK));
  CALL(::access("own/f", R_OK));
  CALL(::access("own/f", W_OK));
  CALL(::access("cat", X_OK));
  at.content("own/f");
  OPEN(::open("own/f", O_RDWR));
  OPEN(::open("own/f", O_RDONLY | O_TRUNC));
  OPEN(::open("own/f", O_RDONLY | O_CREAT, 0644));
  OPEN(::open("own/new", O_WRONLY | O_CREAT, 0644));
  CALL(::truncate("own/f", 1));
  CALL(::chmod("own/f", 0600));
  CALL(::chown("own/f", at.caller().uid, at.caller().gid));
  CALL(::utimensat(AT_FDCWD, "own/f", nullptr, 0));
  CALL(::setxattr("own/f", "user.a", "1", 1, 0));
  CALL(::removexattr("own/f", "user.a"));
  CALL(::mkdir("own/d", 0755));
  CALL(::mkfifo("own/p", 0600));
  CALL(::symlink("t", "own/l"));
  CALL(::link("own/f", "own/g"));
  CALL(::rename("own/f", "own/renamed"));
  CALL(::rename("own/renamed", "own/f"));
  CALL(::unlink("own/f"));
  CALL(::rmdir("own"));
  at.show("setuid cat");
  at.show("null");
}

void remount(const std::string& directory, unsigned long flags) {
  EXPECT_EQ(::mount(nullptr, directory.c_str(), nullptr, MS_REMOUNT | MS_BIND | flags, nullptr), 0);
}

/// Mounts `directory` on itself, with flags.
void bind_mount(const std::string& directory, unsigned long flags) {
  EXPECT_EQ(::mount(directory.c_str(), directory.c_str(), nullptr, MS_BIND, nullptr), 0);
  remount(directory, flags);
}

class MountFlagsParity : public ::testing::TestWithParam<Flags> {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to mount";
    base_ = scene_on(FileSystem::ext4).file_system() + "/flags";
    for (const std::string& directory : {base_, below(), bare()})
      ASSERT_EQ(::mkdir(directory.c_str(), 0755), 0);
  }
  void TearDown() override {
    ::umount2(bare().c_str(), MNT_DETACH);
    ::umount2(below().c_str(), MNT_DETACH);
    std::error_code ignored;
    std::filesystem::remove_all(base_, ignored);
  }

  /// Where the source is made.
  [[nodiscard]] std::string below() const { return base_ + "/below"; }
  [[nodiscard]] std::string bare() const { return base_ + "/bare"; }

  /// A mount that has the flags in the one way or the other.
  [[nodiscard]] std::unique_ptr<MountFixture> mounted() const {
    const unsigned long flags = GetParam().flags;
    if (GetParam().given == Given::below) bind_mount(below(), flags);
    MountSetup setup{.parent = below()};
    if (GetParam().given == Given::as_options) {
      setup.read_only = (flags & MS_RDONLY) != 0;
      setup.mount_flags = words_of(flags);
    }
    auto mount = std::make_unique<MountFixture>(setup);
    populate(mount->source("."), GetParam().caller);
    if (GetParam().given == Given::by_remount) remount(mount->mountpoint(), flags);
    return mount;
  }

 private:
  std::string base_;
};

TEST_P(MountFlagsParity, ForbidWhatTheyForbidNatively) {
  const std::unique_ptr<MountFixture> mount = mounted();
  populate(bare(), GetParam().caller);
  bind_mount(bare(), GetParam().flags);
  const timespec start = start_of_test();
  const auto seen_in = [&](const std::string& directory) {
    return observe(FileSystem::ext4, GetParam().caller, use_everything, directory, start);
  };
  const Outcome expected = seen_in(bare());
  EXPECT_EQ(differences(seen_in(mount->mountpoint()), expected), "");
}

INSTANTIATE_TEST_SUITE_P(Flags, MountFlagsParity, ::testing::ValuesIn(every_flag()),
                         [](const auto& parameter) { return parameter.param.name; });

}  // namespace
}  // namespace sluice::testing::parity
