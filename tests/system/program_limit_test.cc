#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <string>

#include "program_fixture.h"

// RLIMIT_FSIZE is a limit of the program that writes, not of whoever started sluicefs.

namespace sluice::testing {
namespace {

constexpr rlim_t kLimit = 10'000;
constexpr off_t kBeyond = 50'000;

void set_limit() {
  const rlimit limit{kLimit, kLimit};
  ::setrlimit(RLIMIT_FSIZE, &limit);
}
/// One that may be lifted again, without CAP_SYS_RESOURCE as well.
void set_soft_limit() {
  const rlimit limit{kLimit, RLIM_INFINITY};
  ::setrlimit(RLIMIT_FSIZE, &limit);
}

/// System calls only; 0 or the error number.
int write_beyond(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  return fd.valid() ? error_of(::pwrite(fd.get(), "x", 1, kBeyond)) : errno;
}

using ProgramLimit = ProgramTest;

TEST_F(ProgramLimit, TheStartersFileSizeLimitDoesNotBindTheMount) {
  Start start = foreground();
  start.prepare = set_soft_limit;
  Program program(start);
  ASSERT_TRUE(serves(program));
  EXPECT_EQ(write_beyond(at("f")), 0);
  EXPECT_EQ(::truncate(at("f").c_str(), 2 * kBeyond), 0);
  EXPECT_EQ(stop(program), 0);
  EXPECT_EQ(status(source("f")).st_size, 2 * kBeyond);
}

TEST_F(ProgramLimit, OnFileSizesOfAProgramIsHeededAndItIsSignalled) {
  Program program(foreground());
  ASSERT_TRUE(serves(program));
  const std::string path = at("f");
  const int signalled = run_in_child([&] {
    set_limit();
    return write_beyond(path);
  });
  EXPECT_EQ(signalled, 256 + SIGXFSZ);
  const int told = run_in_child([&] {
    set_limit();
    ::signal(SIGXFSZ, SIG_IGN);
    return write_beyond(path);
  });
  EXPECT_EQ(told, EFBIG);
  EXPECT_EQ(write_beyond(path), 0);
  EXPECT_EQ(stop(program), 0);
}

TEST_F(ProgramLimit, OnFileSizesThatAUserCannotLiftIsSaidAndEndsNothing) {
  if (passes_all_through()) GTEST_SKIP() << kPassthroughIsForRoot;
  open_fuse_device_to_all();
  const User user;
  ASSERT_EQ(::chown(source().c_str(), user.uid, user.gid), 0);
  ASSERT_EQ(::chown(mountpoint().c_str(), user.uid, user.gid), 0);
  Start start = foreground();
  start.user = user;
  start.prepare = set_limit;
  Program program(start);
  ASSERT_TRUE(serves(program));
  EXPECT_NE(program.errors().find("files cannot grow beyond 10000 bytes"), std::string::npos)
      << program.errors();
  const std::string path = at("f");
  EXPECT_EQ(run_as(user, [&] { return write_beyond(path); }), EFBIG);
  EXPECT_EQ(run_as(user, [&] { return error_of(::truncate(path.c_str(), kLimit)); }), 0);
  EXPECT_EQ(stop(program), 0);
}

}  // namespace
}  // namespace sluice::testing
