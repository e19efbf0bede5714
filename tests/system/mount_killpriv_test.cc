#include <fcntl.h>
#include <linux/fuse.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>

#include "mount_files.h"
#include "mount_fixture.h"

namespace {

std::atomic<int> capability_questions{0};

}  // namespace

/// Stands in for the C library's own, by which the daemon in this process asks the source.
extern "C" ssize_t getxattr(const char* path, const char* name, void* value, size_t size) noexcept {
  if (std::string_view(name) == "security.capability") ++capability_questions;
  return ::syscall(SYS_getxattr, path, name, value, size);
}

namespace sluice::testing {
namespace {

constexpr int kWrites = 100;

/// How many times the kernel asks for capabilities while a program writes.
int questions_during_writes(MountFixture& fixture) {
  const UniqueFd fd = open_file(fixture.at("f"), O_WRONLY | O_CREAT);
  const int before = capability_questions;
  for (int i = 0; i < kWrites; ++i) EXPECT_EQ(::pwrite(fd.get(), "x", 1, i), 1);
  return capability_questions - before;
}

TEST(MountKillpriv, TheKernelDoesNotAskForCapabilitiesBeforeEachWrite) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to mount";
  MountFixture fixture;
  if (!fixture.mount().init_facts().handle_killpriv_v2) GTEST_SKIP() << "not offered by this kernel";
  // Once, and once more whenever it has asked for attributes.
  EXPECT_LE(questions_during_writes(fixture), 3);
}

TEST(MountKillpriv, WithoutItTheKernelAsksBeforeEachWrite) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to mount";
  MountSetup setup;
  setup.ignored_offers = FUSE_HANDLE_KILLPRIV_V2;
  MountFixture fixture(setup);
  EXPECT_GE(questions_during_writes(fixture), kWrites);
}

/// A way to change a file. System calls only; 0 or the error number.
struct Change {
  const char* name;
  int (*run)(int fd, const char* path);
};
std::ostream& operator<<(std::ostream& out, const Change& change) {
  return out << change.name;
}

class MountSetuidProgram : public ::testing::TestWithParam<std::tuple<bool, Change>> {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to mount";
    MountSetup setup;
    setup.over_source = std::get<0>(GetParam());
    setup.mount_flags = {"suid"};
    fixture_ = std::make_unique<MountFixture>(setup);
    program_ = fixture_->at("program");
    // Its exit status says whether it runs as root.
    make_file(program_, content("/usr/bin/test"), 0777);
    EXPECT_EQ(::chmod(program_.c_str(), 04777), 0);
  }

  [[nodiscard]] const std::string& program() const { return program_; }

  /// In the child: replaces it by the program. 0: runs as root; 1: does not.
  int execute() const {
    ::execl(program_.c_str(), "test", "-O", "/", nullptr);
    return errno + 10;
  }

 private:
  std::unique_ptr<MountFixture> fixture_;
  std::string program_;
};

TEST_P(MountSetuidProgram, RunsAsItsOwner) {
  EXPECT_EQ(run_as({}, [&] { return execute(); }), 0);
}

TEST_P(MountSetuidProgram, ChangedByAnotherUserDoesNotRunAsItsOwner) {
  const Change change = std::get<1>(GetParam());
  // The kernel has the mode from before: nothing may make it ask again but the change itself.
  const int status = run_as({}, [&] {
    const int fd = ::open(program().c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0) return 100;
    if (const int error = change.run(fd, program().c_str()); error != 0) return error + 10;
    ::close(fd);
    return execute();
  });
  EXPECT_EQ(status, 1);
}

constexpr off_t kFarOff = off_t{1} << 30;

int write_after_the_end(int fd, const char*) {
  return error_of(::pwrite(fd, "x", 1, kFarOff));
}
int replace_all(int fd, const char* path) {
  std::array<char, 1U << 20U> all{};
  const ssize_t size = ::pread(fd, all.data(), all.size(), 0);
  const int truncated = ::open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
  if (size <= 0 || truncated < 0) return errno;
  const ssize_t written = ::write(truncated, all.data(), static_cast<std::size_t>(size));
  ::close(truncated);
  return written == size ? 0 : EIO;
}
int allocate(int fd, const char*) {
  return error_of(::fallocate(fd, 0, kFarOff, 4096));
}
int copy_into(int fd, const char*) {
  off_t from = 0;
  off_t to = kFarOff;
  return error_of(::copy_file_range(fd, &from, fd, &to, 4096, 0));
}
int truncate(int fd, const char*) {
  return error_of(::ftruncate(fd, kFarOff));
}

INSTANTIATE_TEST_SUITE_P(
    Changes, MountSetuidProgram,
    ::testing::Combine(::testing::Bool(),
                       ::testing::Values(Change{"Write", write_after_the_end},
                                         Change{"OpenTruncating", replace_all}, Change{"Allocate", allocate},
                                         Change{"CopyFileRange", copy_into}, Change{"Truncate", truncate})),
    [](const auto& parameter) {
      return std::string(std::get<1>(parameter.param).name) +
             (std::get<0>(parameter.param) ? "OverSource" : "");
    });

}  // namespace
}  // namespace sluice::testing
