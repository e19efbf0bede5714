#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "mount_files.h"
#include "mount_fixture.h"

// What somebody does to the source behind the mount is seen through it when names and attributes are no
// longer believed, which is after a second.

namespace sluice::testing {
namespace {

class MountBehind : public MountTest {
 protected:
  void SetUp() override {
    MountTest::SetUp();
    if (IsSkipped()) return;
    make_file(at("f"), "0123456789");
    make_file(at("g"), "other");
    ASSERT_EQ(::mkdir(at("d").c_str(), 0755), 0);
    EXPECT_EQ(content(at("f")), "0123456789");
  }

  /// Once what the kernel was told is too old; a second, and some slack for a busy machine.
  static bool comes_true(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return true;
  }
};

TEST_F(MountBehind, AFileThatIsRemovedHasAttributesForWhoHoldsItByItsPathAlone) {
  const UniqueFd fd = open_file(at("f"), O_PATH);
  ASSERT_EQ(::unlink(at("f").c_str()), 0);
  struct stat found {};
  ASSERT_EQ(::stat(("/proc/self/fd/" + std::to_string(fd.get())).c_str(), &found), 0);
  struct statx asked {};
  ASSERT_EQ(::statx(fd.get(), "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &asked), 0);
  EXPECT_EQ(asked.stx_nlink, 0U);
  EXPECT_EQ(asked.stx_size, 10U);
  EXPECT_EQ(asked.stx_ino, found.st_ino);
}

TEST_F(MountBehind, NewNamesAreSeenAtOnce) {
  EXPECT_FALSE(exists(at("new")));
  make_file(source("new"), "made behind");
  EXPECT_EQ(content(at("new")), "made behind");
  EXPECT_EQ(names_in(at(".")), (std::vector<std::string>{"d", "f", "g", "new"}));
}

TEST_F(MountBehind, RemovedNamesAreGone) {
  ASSERT_EQ(::unlink(source("f").c_str()), 0);
  ASSERT_EQ(::rmdir(source("d").c_str()), 0);
  EXPECT_EQ(names_in(at(".")), (std::vector<std::string>{"g"}));
  EXPECT_TRUE(comes_true([&] { return !exists(at("f")) && !exists(at("d")); }));
  EXPECT_EQ(error_of(::open(at("f").c_str(), O_RDONLY | O_CLOEXEC)), ENOENT);
}

TEST_F(MountBehind, MovedNamesLeadToWhatTheyAreThen) {
  ASSERT_EQ(::rename(source("f").c_str(), source("d/f").c_str()), 0);
  EXPECT_EQ(content(at("d/f")), "0123456789");
  EXPECT_TRUE(comes_true([&] { return !exists(at("f")); }));
}

TEST_F(MountBehind, ADirectoryThatWasMovedIsWorkedInByWhoHasItOpen) {
  const UniqueFd directory = open_file(at("d"), O_RDONLY | O_DIRECTORY);
  ASSERT_EQ(::rename(source("d").c_str(), source("moved").c_str()), 0);
  EXPECT_TRUE(UniqueFd(::openat(directory.get(), "in it", O_CREAT | O_WRONLY | O_CLOEXEC, 0600)).valid());
  EXPECT_TRUE(exists(source("moved/in it")));
}

TEST_F(MountBehind, AFileThatGrewShrankOrChangedIsReadAsItIs) {
  make_file(source("f"), "grown to be longer than it was");
  EXPECT_TRUE(comes_true([&] { return content(at("f")) == "grown to be longer than it was"; }));
  make_file(source("f"), "short");
  EXPECT_TRUE(comes_true([&] { return content(at("f")) == "short" && status(at("f")).st_size == 5; }));
  make_file(source("f"), "SHORT");
  EXPECT_TRUE(comes_true([&] { return content(at("f")) == "SHORT"; }));
}

TEST_F(MountBehind, WhoHasAFileOpenReadsWhatWasWrittenToIt) {
  const UniqueFd fd = open_file(at("f"), O_RDONLY);
  const UniqueFd behind = open_file(source("f"), O_WRONLY | O_APPEND);
  ASSERT_EQ(::write(behind.get(), "more", 4), 4);
  EXPECT_TRUE(comes_true([&] {
    char byte = 0;
    return ::pread(fd.get(), &byte, 1, 13) == 1 && byte == 'e';
  }));
}

TEST_F(MountBehind, ModeAndOwnerAreThoseOfTheSource) {
  ASSERT_EQ(::chmod(source("f").c_str(), 0604), 0);
  ASSERT_EQ(::chown(source("f").c_str(), 7, 8), 0);
  EXPECT_TRUE(comes_true([&] {
    const struct stat now = status(at("f"));
    return (now.st_mode & 07777) == 0604 && now.st_uid == 7 && now.st_gid == 8;
  }));
}

TEST_F(MountBehind, AFileReplacedByAnotherIsTheOther) {
  make_file(source("new"), "replacement");
  ASSERT_EQ(::rename(source("new").c_str(), source("f").c_str()), 0);
  EXPECT_TRUE(comes_true([&] { return content(at("f")) == "replacement"; }));
  EXPECT_EQ(status(at("f")).st_ino, status(source("f")).st_ino);
}

TEST_F(MountBehind, WhoHasAReplacedFileOpenKeepsIt) {
  const UniqueFd fd = open_file(at("f"), O_RDWR);
  make_file(source("new"), "replacement");
  ASSERT_EQ(::rename(source("new").c_str(), source("f").c_str()), 0);
  ASSERT_TRUE(comes_true([&] { return content(at("f")) == "replacement"; }));
  EXPECT_EQ(::pwrite(fd.get(), "x", 1, 0), 1);
  EXPECT_EQ(error_of(::fsync(fd.get())), 0);
  EXPECT_EQ(content(source("f")), "replacement");
}

TEST_F(MountBehind, AFileReplacedByADirectoryIsOneAndTheOtherWayRound) {
  ASSERT_EQ(::unlink(source("f").c_str()), 0);
  ASSERT_EQ(::mkdir(source("f").c_str(), 0700), 0);
  ASSERT_EQ(::rmdir(source("d").c_str()), 0);
  make_file(source("d"), "a file now");
  EXPECT_TRUE(
      comes_true([&] { return S_ISDIR(status(at("f")).st_mode) && content(at("d")) == "a file now"; }));
  EXPECT_EQ(names_in(at("f")).size(), 0U);
}

TEST_F(MountBehind, ANameWhoseFileWasRemovedAndMadeAnewShowsNothingOld) {
  for (int i = 0; i < 3; ++i) {  // ext4 gives the number of an inode that has just gone to the next.
    const std::string text = "round " + std::to_string(i);
    ASSERT_EQ(::unlink(source("f").c_str()), 0);
    make_file(source("f"), text);
    EXPECT_TRUE(comes_true([&] { return content(at("f")) == text; }));
    EXPECT_EQ(status(at("f")).st_size, static_cast<off_t>(text.size()));
  }
}

TEST_F(MountBehind, AFileReplacedByASymlinkIsTheCallersToFollow) {
  ASSERT_EQ(::unlink(source("f").c_str()), 0);
  ASSERT_EQ(::symlink("g", source("f").c_str()), 0);
  EXPECT_TRUE(comes_true([&] { return S_ISLNK(status(at("f")).st_mode); }));
  EXPECT_EQ(content(at("f")), "other");
  EXPECT_EQ(error_of(::open(at("f").c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC)), ELOOP);
}

TEST_F(MountBehind, AFifoThatTookAFilesPlaceHoldsNobodyUpButItsCaller) {
  ASSERT_EQ(::unlink(source("f").c_str()), 0);
  ASSERT_EQ(::mkfifo(source("f").c_str(), 0600), 0);
  EXPECT_TRUE(comes_true([&] { return S_ISFIFO(status(at("f")).st_mode); }));
  EXPECT_EQ(error_of(::open(at("f").c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC)), ENXIO);
  EXPECT_TRUE(UniqueFd(::open(at("f").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)).valid());
}

/// Root's daemon would be able to go where the caller is not; it must not be led there by a name that changes
/// under its hands.
TEST_F(MountBehind, ADirectoryThatBecomesASymlinkNowAndThenLeadsNobodyWhereHeMayNotGo) {
  constexpr int kSawSecret = 1;
  constexpr int kReadNothing = 3;
  const std::string secrets = fixture().source_directory() + ".secrets";
  ASSERT_EQ(::mkdir(secrets.c_str(), 0700), 0);
  make_file(secrets + "/which", "secret");
  ASSERT_EQ(::symlink(secrets.c_str(), source("link").c_str()), 0);
  make_file(source("d/which"), "mine");
  Child reader([path = at("d/which")](int channel) {
    char byte = 0;
    int reads = 0;
    if (::setresgid(1, 1, 1) != 0 || ::setresuid(1, 1, 1) != 0) return 99;
    for (int i = 0; i < 3000; ++i) {
      const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
      if (fd < 0) continue;
      if (::read(fd, &byte, 1) == 1) {
        if (byte != 'm') return kSawSecret;
        ++reads;
      }
      ::close(fd);
    }
    if (reads == 0) return kReadNothing;
    return ::write(channel, &byte, 1) == 1 ? 0 : 2;
  });
  while (!reader.has_reported()) {
    ASSERT_EQ(::renameat2(AT_FDCWD, source("d").c_str(), AT_FDCWD, source("link").c_str(), RENAME_EXCHANGE),
              0);
  }
  EXPECT_EQ(reader.wait(), 0);
  EXPECT_EQ(::unlink((secrets + "/which").c_str()), 0);
  EXPECT_EQ(::rmdir(secrets.c_str()), 0);
}

TEST_F(MountBehind, WhenTheSourceItselfIsMovedTheMountGoesOn) {
  const std::string elsewhere = fixture().source_directory() + ".moved";
  ASSERT_EQ(::rename(fixture().source_directory().c_str(), elsewhere.c_str()), 0);
  make_file(at("new"), "made after");
  EXPECT_EQ(content(elsewhere + "/new"), "made after");
  ASSERT_EQ(::rename(elsewhere.c_str(), fixture().source_directory().c_str()), 0);
}

TEST_F(MountBehind, WhenTheSourceItselfIsRemovedNothingCanBeMadeThere) {
  for (const char* const name : {"f", "g"}) ASSERT_EQ(::unlink(source(name).c_str()), 0);
  ASSERT_EQ(::rmdir(source("d").c_str()), 0);
  ASSERT_EQ(::rmdir(fixture().source_directory().c_str()), 0);
  EXPECT_EQ(error_of(::open(at("new").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600)), ENOENT);
  EXPECT_EQ(error_of(::mkdir(at("new").c_str(), 0700)), ENOENT);
  EXPECT_TRUE(comes_true([&] { return names_in(at(".")).empty(); }));
}

TEST(MountOverSourceBehind, AFifoMadeWhereTheKernelBelievesInNothingIsTheKernelsToOpen) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to mount";
  const MountFixture mount(MountSetup{.over_source = true});
  EXPECT_FALSE(exists(mount.at("p")));
  ASSERT_EQ(::mkfifo(mount.source("p").c_str(), 0600), 0);
  EXPECT_EQ(error_of(::open(mount.at("p").c_str(), O_CREAT | O_WRONLY | O_NONBLOCK | O_CLOEXEC, 0600)),
            ENXIO);
}

TEST(MountOverSourceBehind, ASymlinkMadeThereIsTheCallersToFollow) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to mount";
  const MountFixture mount(MountSetup{.over_source = true});
  EXPECT_FALSE(exists(mount.at("l")));
  ASSERT_EQ(::symlink("target", mount.source("l").c_str()), 0);
  make_file(mount.at("l"), "by the link");
  EXPECT_EQ(content(mount.at("target")), "by the link");
  EXPECT_TRUE(S_ISLNK(status(mount.source("l")).st_mode));
}

}  // namespace
}  // namespace sluice::testing
