#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

#include "mount_files.h"
#include "mount_fixture.h"

// Which descriptors the daemon has open of a file of the source. It lives in this process, so they are here.

namespace sluice::testing {
namespace {

constexpr std::chrono::seconds kPatience{20};

/// An inode, in a file system that has no mount in it.
struct Inode {
  dev_t device;
  ino_t number;
};

struct Descriptors {
  int for_writing = 0;
  int for_reading = 0;
  /// O_PATH: they find the file again, and keep its space as the others do.
  int for_finding = 0;

  friend bool operator==(const Descriptors&, const Descriptors&) = default;
};
std::ostream& operator<<(std::ostream& out, const Descriptors& found) {
  return out << found.for_writing << " for writing, " << found.for_reading << " for reading, "
             << found.for_finding << " for finding";
}

Descriptors descriptors_of(const Inode& inode) {
  Descriptors found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    const int fd = std::stoi(entry.path().filename().string());
    struct stat status {};
    if (::fstat(fd, &status) != 0 || status.st_dev != inode.device || status.st_ino != inode.number) continue;
    const int flags = ::fcntl(fd, F_GETFL);
    int& count = (flags & O_PATH) != 0             ? found.for_finding
                 : (flags & O_ACCMODE) == O_RDONLY ? found.for_reading
                                                   : found.for_writing;
    ++count;
  }
  return found;
}

/// Waits until `what` holds of the descriptors: RELEASE and FORGET come after the call that caused them.
template <typename What>
Descriptors wait_for(const Inode& inode, What what) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  Descriptors found = descriptors_of(inode);
  while (!what(found) && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    found = descriptors_of(inode);
  }
  return found;
}

/// A copy of sleep(1) that runs for as long as this lives; its file cannot be opened for writing meanwhile.
class Program {
 public:
  explicit Program(const std::string& path) : pid_(::fork()) {
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::execl(path.c_str(), "sleep", "1000", nullptr);
      ::_exit(1);
    }
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!runs(path) && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_TRUE(runs(path));
  }
  ~Program() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

 private:
  static bool runs(const std::string& path) {
    return !UniqueFd(::open(path.c_str(), O_WRONLY | O_CLOEXEC)).valid() && errno == ETXTBSY;
  }
  const pid_t pid_;
};

class MountSyncDescriptor : public MountTest {
 protected:
  [[nodiscard]] Inode inode_of(const std::string& name) const {
    const struct stat found = status(source(name));
    return {found.st_dev, found.st_ino};
  }
  /// Those that are left when the file has been closed.
  static Descriptors left(const Inode& inode) {
    return wait_for(inode, [](const Descriptors& found) { return found.for_writing == 0; });
  }
  /// Those that are left after a while, if there are any.
  static Descriptors none_left(const Inode& inode) {
    return wait_for(inode, [](const Descriptors& found) { return found == Descriptors{}; });
  }
};

TEST_F(MountSyncDescriptor, IsKeptOfAFileThatWasWritten) {
  make_file(at("f"), "x");
  EXPECT_EQ(left(inode_of("f")).for_reading, 1);
}

TEST_F(MountSyncDescriptor, IsKeptOfAFileThatGotItsNameBeforeItWasWritten) {
  {
    const UniqueFd fd = open_file(fixture().mountpoint(), O_TMPFILE | O_RDWR, 0644);
    const std::string nameless = "/proc/self/fd/" + std::to_string(fd.get());
    ASSERT_EQ(::linkat(AT_FDCWD, nameless.c_str(), AT_FDCWD, at("f").c_str(), AT_SYMLINK_FOLLOW), 0);
    ASSERT_EQ(::write(fd.get(), "x", 1), 1);
  }
  EXPECT_EQ(left(inode_of("f")).for_reading, 1);
}

TEST_F(MountSyncDescriptor, IsKeptOfAFileThatWasTruncatedByItsOpeningAndWritten) {
  make_file(source("f"), "old content");
  make_file(at("f"), "x");
  EXPECT_EQ(left(inode_of("f")).for_reading, 1);
}

TEST_F(MountSyncDescriptor, IsKeptOfAFileThatWasWrittenAfterItsTruncationHadFailed) {
  make_file(source("program"), content("/bin/sleep"), 0755);
  {
    const Program running(source("program"));
    ASSERT_EQ(error_of(::truncate(at("program").c_str(), 1)), ETXTBSY);
  }
  {
    const UniqueFd fd = open_file(at("program"), O_WRONLY);
    ASSERT_EQ(::write(fd.get(), "x", 1), 1);
  }
  EXPECT_EQ(left(inode_of("program")).for_reading, 1);
}

TEST_F(MountSyncDescriptor, GoesWhenTheFileHasNeitherNameNorUser) {
  UniqueFd fd = open_file(at("f"), O_RDWR | O_CREAT);
  const Inode inode = inode_of("f");
  ASSERT_EQ(::unlink(at("f").c_str()), 0);
  ASSERT_EQ(::write(fd.get(), "x", 1), 1);
  fd.reset();
  EXPECT_EQ(none_left(inode), Descriptors{});
}

TEST_F(MountSyncDescriptor, GoesWhenTheFileWasReplacedWhileItWasOpen) {
  UniqueFd fd = open_file(at("f"), O_RDWR | O_CREAT);
  const Inode inode = inode_of("f");
  make_file(at("g"), "new");
  ASSERT_EQ(::rename(at("g").c_str(), at("f").c_str()), 0);
  ASSERT_EQ(::write(fd.get(), "x", 1), 1);
  fd.reset();
  EXPECT_EQ(none_left(inode), Descriptors{});
}

TEST_F(MountSyncDescriptor, GoesWhenTheFileWasRemovedBehindTheMountAndIsLookedFor) {
  make_file(at("f"), "x");
  const Inode inode = inode_of("f");
  ASSERT_EQ(::unlink(source("f").c_str()), 0);
  EXPECT_EQ(
      wait_for(inode, [&](const Descriptors& found) { return !exists(at("f")) && found == Descriptors{}; }),
      Descriptors{});
}

}  // namespace
}  // namespace sluice::testing
