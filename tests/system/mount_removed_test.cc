#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "mount_files.h"
#include "mount_fixture.h"
#include "syscall_filter.h"

// A file that loses its last name while it is open lives until its last handle is closed, however the daemon
// finds inodes, and whoever takes the name away.

namespace sluice::testing {
namespace {

struct Way {
  const char* name;
  /// Takes "f" away; paths by which the mount and the source name it.
  std::function<int(const std::string& mount, const std::string& source)> remove;
};
struct Setting {
  std::string parent;
  bool by_handles;
  Way way;
};
std::ostream& operator<<(std::ostream& out, const Setting& setting) {
  return out << setting.way.name << " in " << setting.parent
             << (setting.by_handles ? "" : ", by descriptors");
}

class MountRemoved : public ::testing::TestWithParam<Setting> {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to mount";
    MountSetup setup;
    setup.parent = GetParam().parent;
    if (!GetParam().by_handles) {
      setup.prepare_thread = [] { ASSERT_TRUE(forbid_syscalls({SYS_open_by_handle_at}, EPERM)); };
    }
    fixture_ = std::make_unique<MountFixture>(setup);
    make_file(at("f"), "0123456789");
    make_file(at("other"), "other");
    fd_ = open_file(at("f"), O_RDWR);
    ASSERT_EQ(GetParam().way.remove(at("f"), fixture_->source("f")), 0);
  }
  void TearDown() override {
    fd_.reset();
    fixture_.reset();
  }

  [[nodiscard]] std::string at(const std::string& name) const { return fixture_->at(name); }
  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] std::string proc() const { return "/proc/self/fd/" + std::to_string(fd()); }
  [[nodiscard]] std::string bytes() const {
    std::array<char, 64> read{};
    const ssize_t got = ::pread(fd(), read.data(), read.size(), 0);
    return got < 0 ? "<error>" : std::string(read.data(), static_cast<std::size_t>(got));
  }
  [[nodiscard]] struct stat stat_of_fd() const {
    struct stat found {};
    EXPECT_EQ(::fstat(fd(), &found), 0);
    return found;
  }
  [[nodiscard]] bool names_the_removed_file(const char* name) const {
    struct stat found {};
    return ::lstat(at(name).c_str(), &found) == 0 && found.st_ino == stat_of_fd().st_ino;
  }
  void drop_cached_pages() const { EXPECT_EQ(::posix_fadvise(fd(), 0, 0, POSIX_FADV_DONTNEED), 0); }

 private:
  std::unique_ptr<MountFixture> fixture_;
  UniqueFd fd_;
};

TEST_P(MountRemoved, IsReadWrittenAndResized) {
  EXPECT_EQ(bytes(), "0123456789");
  EXPECT_EQ(::pwrite(fd(), "xyz", 3, 8), 3);
  EXPECT_EQ(bytes(), "01234567xyz");
  EXPECT_EQ(error_of(::ftruncate(fd(), 2)), 0);
  EXPECT_EQ(error_of(::fallocate(fd(), 0, 0, 4)), 0);
  EXPECT_EQ(bytes(), std::string("01\0\0", 4));
  EXPECT_EQ(::lseek(fd(), 0, SEEK_HOLE), 4);
  const UniqueFd other = open_file(at("other"), O_RDONLY);
  off_t to = 1;
  EXPECT_EQ(::copy_file_range(other.get(), nullptr, fd(), &to, 5, 0), 5);
  EXPECT_EQ(bytes(), "0other");
  EXPECT_EQ(stat_of_fd().st_size, 6);
}

TEST_P(MountRemoved, ItsAttributesAreReadAndChanged) {
  EXPECT_EQ(error_of(::fchmod(fd(), 0604)), 0);
  EXPECT_EQ(error_of(::fchown(fd(), 7, 8)), 0);
  const std::array<timespec, 2> times{timespec{1, 2}, timespec{3, 4}};
  EXPECT_EQ(error_of(::futimens(fd(), times.data())), 0);
  EXPECT_EQ(error_of(::fsetxattr(fd(), "user.a", "1", 1, 0)), 0);
  std::array<char, 8> value{};
  EXPECT_EQ(::fgetxattr(fd(), "user.a", value.data(), value.size()), 1);
  EXPECT_EQ(error_of(::fremovexattr(fd(), "user.a")), 0);
  const struct stat now = stat_of_fd();
  EXPECT_EQ(now.st_nlink, 0U);
  EXPECT_EQ(now.st_mode, S_IFREG | 0604U);
  EXPECT_EQ(now.st_uid, 7U);
  EXPECT_EQ(now.st_mtim.tv_nsec, 4);
}

TEST_P(MountRemoved, IsSynced) {
  EXPECT_EQ(error_of(::fsync(fd())), 0);
  EXPECT_EQ(::pwrite(fd(), "x", 1, 0), 1);
  EXPECT_EQ(error_of(::fdatasync(fd())), 0);
  EXPECT_EQ(error_of(::fchmod(fd(), 0600)), 0);
  EXPECT_EQ(error_of(::fsync(fd())), 0);
}

TEST_P(MountRemoved, IsMapped) {
  void* const mapped = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd(), 0);
  ASSERT_NE(mapped, MAP_FAILED);
  auto* const text = static_cast<char*>(mapped);
  EXPECT_EQ(text[0], '0');
  text[0] = 'm';
  EXPECT_EQ(error_of(::msync(mapped, 4096, MS_SYNC)), 0);
  EXPECT_EQ(::munmap(mapped, 4096), 0);
  drop_cached_pages();
  EXPECT_EQ(bytes(), "m123456789");
}

TEST_P(MountRemoved, IsOpenedAgainByItsDescriptor) {
  const UniqueFd again(::open(proc().c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_TRUE(again.valid()) << std::strerror(errno);
  EXPECT_EQ(::pwrite(again.get(), "again", 5, 0), 5);
  EXPECT_EQ(bytes(), "again56789");
  EXPECT_EQ(error_of(::fsync(again.get())), 0);
  const UniqueFd emptied(::open(proc().c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
  EXPECT_TRUE(emptied.valid());
  EXPECT_EQ(bytes(), "");
}

TEST_P(MountRemoved, OutlivesAllButOneOfItsHandles) {
  UniqueFd again(::open(proc().c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(again.valid());
  again.reset();
  EXPECT_EQ(error_of(::ftruncate(fd(), 3)), 0);
  EXPECT_EQ(error_of(::fchmod(fd(), 0600)), 0);
  EXPECT_EQ(bytes(), "012");
}

TEST_P(MountRemoved, IsNotTheFileThatHasItsNameThen) {
  while (names_the_removed_file("f")) {  // For a second, if nobody told the mount.
  }
  make_file(at("f"), "new");
  EXPECT_EQ(bytes(), "0123456789");
  EXPECT_EQ(::pwrite(fd(), "x", 1, 0), 1);
  EXPECT_EQ(content(at("f")), "new");
  EXPECT_NE(stat_of_fd().st_ino, status(at("f")).st_ino);
}

const Way kUnlinked{"unlinked", [](const std::string& mount, const std::string&) {
                      return error_of(::unlink(mount.c_str()));
                    }};
const Way kUnlinkedBehind{"unlinked behind the mount", [](const std::string&, const std::string& source) {
                            return error_of(::unlink(source.c_str()));
                          }};
const Way kReplacedBehind{"replaced behind the mount", [](const std::string&, const std::string& source) {
                            make_file(source + ".new", "replacement");
                            return error_of(::rename((source + ".new").c_str(), source.c_str()));
                          }};

INSTANTIATE_TEST_SUITE_P(
    Ways, MountRemoved,
    ::testing::Values(Setting{"/tmp", true, kUnlinked}, Setting{"/tmp", true, kUnlinkedBehind},
                      Setting{"/tmp", true, kReplacedBehind}, Setting{"/tmp", false, kUnlinked},
                      Setting{"/tmp", false, kUnlinkedBehind}, Setting{"/dev/shm", true, kUnlinked},
                      Setting{"/dev/shm", true, kUnlinkedBehind}));

}  // namespace
}  // namespace sluice::testing
