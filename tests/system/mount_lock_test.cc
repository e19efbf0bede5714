#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "mount_files.h"
#include "mount_fixture.h"

// Locks are the kernel's own (the mount implements none), between programs on the mount.

namespace sluice::testing {
namespace {

constexpr std::chrono::seconds kPatience{20};
constexpr std::chrono::milliseconds kBetweenLooks{2};

enum class Wait : bool { no, yes };

struct flock range_lock(short type, off_t start, off_t length) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = start;
  lock.l_len = length;
  return lock;
}

int lock_by_flock(int fd, short type, Wait wait) {
  const int operation = type == F_WRLCK ? LOCK_EX : type == F_RDLCK ? LOCK_SH : LOCK_UN;
  return error_of(::flock(fd, operation | (wait == Wait::yes ? 0 : LOCK_NB)));
}
int lock_by_process(int fd, short type, Wait wait) {
  const struct flock lock = range_lock(type, 0, 0);
  return error_of(::fcntl(fd, wait == Wait::yes ? F_SETLKW : F_SETLK, &lock));
}
int lock_by_open_file(int fd, short type, Wait wait) {
  const struct flock lock = range_lock(type, 0, 0);
  return error_of(::fcntl(fd, wait == Wait::yes ? F_OFD_SETLKW : F_OFD_SETLK, &lock));
}

/// A family of locks. `lock` takes or (F_UNLCK) releases one on the whole file; 0 or the error number.
struct LockKind {
  const char* name;
  int (*lock)(int fd, short type, Wait wait);
};
std::ostream& operator<<(std::ostream& out, const LockKind& kind) {
  return out << kind.name;
}

class MountLock : public MountTest, public ::testing::WithParamInterface<LockKind> {
 protected:
  void SetUp() override {
    MountTest::SetUp();
    if (!IsSkipped()) make_file(at("f"), "x");
  }

  static int lock(int fd, short type, Wait wait = Wait::no) { return GetParam().lock(fd, type, wait); }

  /// In a child: takes a lock, says so, and keeps it until it is told to go on; then `release`s it.
  template <typename Release>
  auto hold(short type, Release release) const {
    return [this, type, release](int channel) {
      char byte = 0;
      const int fd = ::open(at("f").c_str(), O_RDWR | O_CLOEXEC);
      if (lock(fd, type, Wait::yes) != 0 || ::write(channel, &byte, 1) != 1) return 1;
      if (::read(channel, &byte, 1) != 1) return 2;
      release(fd);
      if (::write(channel, &byte, 1) != 1) return 3;
      return ::read(channel, &byte, 1) == 1 ? 0 : 4;
    };
  }
  static void unlock(int fd) { lock(fd, F_UNLCK); }

  /// Waits until a lock of the file is waited for, as /proc/locks says.
  [[nodiscard]] bool somebody_waits() const {
    const std::string inode = ":" + std::to_string(status(at("f")).st_ino) + " ";
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < deadline) {
      std::ifstream locks("/proc/locks");
      for (std::string line; std::getline(locks, line);) {
        if (line.find("->") != std::string::npos && line.find(inode) != std::string::npos) return true;
      }
      std::this_thread::sleep_for(kBetweenLooks);
    }
    return false;
  }
};

TEST_P(MountLock, AnExclusiveOneExcludesAnotherProcess) {
  Child holder(hold(F_WRLCK, unlock));
  ASSERT_TRUE(holder.ready());
  const UniqueFd fd = open_file(at("f"), O_RDWR);
  EXPECT_EQ(lock(fd.get(), F_WRLCK), EAGAIN);
  EXPECT_EQ(lock(fd.get(), F_RDLCK), EAGAIN);
}

TEST_P(MountLock, SharedOnesCoexistAndExcludeAnExclusiveOne) {
  Child holder(hold(F_RDLCK, unlock));
  ASSERT_TRUE(holder.ready());
  const UniqueFd fd = open_file(at("f"), O_RDWR);
  EXPECT_EQ(lock(fd.get(), F_RDLCK), 0);
  EXPECT_EQ(lock(fd.get(), F_WRLCK), EAGAIN);
}

TEST_P(MountLock, AWaiterGetsItWhenTheHolderReleasesIt) {
  Child holder(hold(F_WRLCK, unlock));
  ASSERT_TRUE(holder.ready());
  Child waiter(hold(F_WRLCK, unlock));
  ASSERT_TRUE(somebody_waits());
  holder.proceed();
  EXPECT_TRUE(waiter.ready());
}

TEST_P(MountLock, AWaiterGetsItWhenTheHolderIsKilled) {
  auto holder = std::make_unique<Child>(hold(F_WRLCK, unlock));
  ASSERT_TRUE(holder->ready());
  Child waiter(hold(F_WRLCK, unlock));
  ASSERT_TRUE(somebody_waits());
  holder.reset();
  EXPECT_TRUE(waiter.ready());
}

TEST_P(MountLock, ClosingReleasesIt) {
  Child holder(hold(F_WRLCK, [](int fd) { ::close(fd); }));
  ASSERT_TRUE(holder.ready());
  const UniqueFd fd = open_file(at("f"), O_RDWR);
  EXPECT_EQ(lock(fd.get(), F_WRLCK), EAGAIN);
  holder.proceed();
  ASSERT_TRUE(holder.ready());
  EXPECT_EQ(lock(fd.get(), F_WRLCK), 0);
}

TEST_P(MountLock, IsNotSeenBehindTheMount) {
  const UniqueFd ours = open_file(at("f"), O_RDWR);
  ASSERT_EQ(lock(ours.get(), F_WRLCK), 0);
  EXPECT_EQ(run_in_child([&] {
              const int fd = ::open(source("f").c_str(), O_RDWR | O_CLOEXEC);
              return lock(fd, F_WRLCK);
            }),
            0);
}

INSTANTIATE_TEST_SUITE_P(Kinds, MountLock,
                         ::testing::Values(LockKind{"flock", lock_by_flock},
                                           LockKind{"process", lock_by_process},
                                           LockKind{"open_file", lock_by_open_file}),
                         [](const auto& parameter) { return parameter.param.name; });

using MountRangeLock = MountTest;

TEST_F(MountRangeLock, ExcludesOnlyRangesThatItMeets) {
  make_file(at("f"), "x");
  const UniqueFd fd = open_file(at("f"), O_RDWR);
  const struct flock held = range_lock(F_WRLCK, 10, 10);
  ASSERT_EQ(::fcntl(fd.get(), F_SETLK, &held), 0);
  const auto try_lock = [&](off_t start, off_t length) {
    return run_in_child([&] {
      const struct flock lock = range_lock(F_WRLCK, start, length);
      return error_of(::fcntl(fd.get(), F_SETLK, &lock));
    });
  };
  EXPECT_EQ(try_lock(0, 10), 0);
  EXPECT_EQ(try_lock(20, 0), 0);
  EXPECT_EQ(try_lock(19, 1), EAGAIN);
  EXPECT_EQ(try_lock(0, 0), EAGAIN);
}

TEST_F(MountRangeLock, TellsWhoHoldsIt) {
  make_file(at("f"), "x");
  const UniqueFd fd = open_file(at("f"), O_RDWR);
  const struct flock held = range_lock(F_WRLCK, 10, 10);
  ASSERT_EQ(::fcntl(fd.get(), F_SETLK, &held), 0);
  const pid_t holder = ::getpid();
  EXPECT_EQ(run_in_child([&] {
              struct flock asked = range_lock(F_WRLCK, 0, 0);
              if (::fcntl(fd.get(), F_GETLK, &asked) != 0) return 1;
              return asked.l_type == F_WRLCK && asked.l_start == 10 && asked.l_len == 10 &&
                             asked.l_pid == holder
                         ? 0
                         : 2;
            }),
            0);
}

TEST_F(MountRangeLock, AProcessLosesItByClosingAnyDescriptorOfTheFile) {
  make_file(at("f"), "x");
  const UniqueFd fd = open_file(at("f"), O_RDWR);
  const struct flock lock = range_lock(F_WRLCK, 0, 0);
  ASSERT_EQ(::fcntl(fd.get(), F_SETLK, &lock), 0);
  open_file(at("f"), O_RDONLY).reset();
  EXPECT_EQ(run_in_child([&] { return error_of(::fcntl(fd.get(), F_SETLK, &lock)); }), 0);
}

TEST_F(MountRangeLock, AnOpenFilesOwnSurvivesTheClosingOfAnother) {
  make_file(at("f"), "x");
  const UniqueFd fd = open_file(at("f"), O_RDWR);
  const struct flock lock = range_lock(F_WRLCK, 0, 0);
  ASSERT_EQ(::fcntl(fd.get(), F_OFD_SETLK, &lock), 0);
  const UniqueFd other = open_file(at("f"), O_RDWR);
  open_file(at("f"), O_RDONLY).reset();
  EXPECT_EQ(error_of(::fcntl(other.get(), F_OFD_SETLK, &lock)), EAGAIN);
}

TEST_F(MountRangeLock, TwoProcessesThatWaitForEachOtherAreTold) {
  make_file(at("f"), "x");
  const UniqueFd fd = open_file(at("f"), O_RDWR);
  const struct flock first = range_lock(F_WRLCK, 0, 1);
  const struct flock second = range_lock(F_WRLCK, 1, 1);
  // Whichever comes last is refused, and lets the other have its lock by ending.
  const auto cross = [&](struct flock own, struct flock others) {
    return [&fd, own, others](int channel) {
      char byte = 0;
      if (::fcntl(fd.get(), F_SETLK, &own) != 0 || ::write(channel, &byte, 1) != 1) return 1;
      if (::read(channel, &byte, 1) != 1) return 2;
      return error_of(::fcntl(fd.get(), F_SETLKW, &others));
    };
  };
  Child a(cross(first, second));
  Child b(cross(second, first));
  ASSERT_TRUE(a.ready() && b.ready());
  a.proceed();
  b.proceed();
  const int status_a = a.wait();
  const int status_b = b.wait();
  EXPECT_EQ(std::min(status_a, status_b), 0);
  EXPECT_EQ(std::max(status_a, status_b), EDEADLK);
}

}  // namespace
}  // namespace sluice::testing
