#include <gtest/gtest.h>
#include <sys/syscall.h>

#include "sluice/io_backend.h"
#include "syscall_filter.h"
#include "temp_files.h"

// Which backend a system gets that forbids one.

namespace sluice::testing {
namespace {

bool io_uring_is_here() {
  return make_backend(BackendChoice::io_uring, 1).has_value();
}

/// The backend that `choice` gives where these system calls fail with `error`.
Result<std::unique_ptr<IoBackend>> make_without(const std::vector<long>& syscalls, int error,
                                                BackendChoice choice) {
  Result<std::unique_ptr<IoBackend>> made = fail(EIO);
  if (!run_without_syscalls(syscalls, error, [&] { made = make_backend(choice, 4); })) {
    ADD_FAILURE() << "seccomp is not to be had here";
  }
  return made;
}

TEST(MakeBackend, AutomaticIsIoUringWhereTheKernelHasIt) {
  if (!io_uring_is_here()) GTEST_SKIP() << "io_uring is not to be had here";
  const auto made = make_backend(BackendChoice::automatic, 4);
  ASSERT_TRUE(made);
  EXPECT_EQ((*made)->name(), "io_uring");
}

TEST(MakeBackend, ThreadsAreGivenWhenAskedFor) {
  const auto made = make_backend(BackendChoice::threads, 4);
  ASSERT_TRUE(made);
  EXPECT_EQ((*made)->name(), "threads");
}

TEST(MakeBackend, AutomaticFallsBackToThreadsWhereIoUringIsForbidden) {
  const auto made = make_without({SYS_io_uring_setup}, EPERM, BackendChoice::automatic);
  ASSERT_TRUE(made);
  EXPECT_EQ((*made)->name(), "threads");
}

TEST(MakeBackend, AutomaticFallsBackToThreadsWhereIoUringIsUnknown) {
  const auto made = make_without({SYS_io_uring_setup}, ENOSYS, BackendChoice::automatic);
  ASSERT_TRUE(made);
  EXPECT_EQ((*made)->name(), "threads");
}

TEST(MakeBackend, AutomaticFallsBackToThreadsWhereOnlyEnteringTheRingIsForbidden) {
  const auto made = make_without({SYS_io_uring_enter}, EPERM, BackendChoice::automatic);
  ASSERT_TRUE(made);
  EXPECT_EQ((*made)->name(), "threads");
}

TEST(MakeBackend, AutomaticFallsBackToThreadsWhereWorkersCannotBeRaised) {
  const auto made = make_without({SYS_io_uring_register}, EINVAL, BackendChoice::automatic);
  ASSERT_TRUE(made);
  EXPECT_EQ((*made)->name(), "threads");
}

TEST(MakeBackend, FallbackSyncs) {
  const auto made = make_without({SYS_io_uring_setup}, EPERM, BackendChoice::automatic);
  ASSERT_TRUE(made);
  const TempFiles files;
  (*made)->submit_sync(IoToken(1), files.fd(), SyncKind::full);
  std::vector<IoCompletion> completions;
  while (completions.empty()) (*made)->wait(completions);
  EXPECT_EQ(completions[0].outcome, IoOutcome::succeeded);
}

TEST(MakeBackend, IoUringDemandedIsTheKernelsErrorWhereItIsForbidden) {
  const auto made = make_without({SYS_io_uring_setup}, EPERM, BackendChoice::io_uring);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error(), Errno(EPERM));
}

TEST(MakeBackend, IoUringDemandedIsTheKernelsErrorWhereItIsUnknown) {
  const auto made = make_without({SYS_io_uring_setup}, ENOSYS, BackendChoice::io_uring);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error(), Errno(ENOSYS));
}

TEST(MakeBackend, ThreadsFailWhereNotOneCanBeMade) {
  const auto made = make_without({SYS_clone, SYS_clone3}, EAGAIN, BackendChoice::threads);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error(), Errno(EAGAIN));
}

TEST(MakeBackend, NoSyncsAtAllAreRefused) {
  const auto made = make_backend(BackendChoice::automatic, 0);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error(), Errno(EINVAL));
}

TEST(MakeBackend, LimitItselfIsGiven) {
  const auto made = make_backend(BackendChoice::automatic, kMaxInFlight);
  ASSERT_TRUE(made);
  EXPECT_EQ((*made)->max_in_flight(), kMaxInFlight);
}

TEST(MakeBackend, MoreThanTheLimitIsRefused) {
  const auto made = make_backend(BackendChoice::automatic, kMaxInFlight + 1);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error(), Errno(EINVAL));
}

}  // namespace
}  // namespace sluice::testing
