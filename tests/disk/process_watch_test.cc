#include "process_watch.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "eventually.h"

namespace sluice::testing {
namespace {

/// A process that does nothing until it is killed.
class IdleProcess {
 public:
  IdleProcess() : pid_(::fork()) {
    if (pid_ != 0) return;
    for (;;) ::pause();
  }
  ~IdleProcess() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  IdleProcess(const IdleProcess&) = delete;
  IdleProcess& operator=(const IdleProcess&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

TEST(ProcessWatch, SaysThatALiveProcessLives) {
  Result<ProcessWatch> watch = ProcessWatch::start(::getpid());
  ASSERT_TRUE(watch);
  EXPECT_FALSE(watch->dying());
}

TEST(ProcessWatch, NoticesThatAProcessDied) {
  const IdleProcess process;
  Result<ProcessWatch> watch = ProcessWatch::start(process.pid());
  ASSERT_TRUE(watch);
  EXPECT_FALSE(watch->dying());
  ::kill(process.pid(), SIGKILL);
  EXPECT_TRUE(eventually([&] { return watch->dying(); }));
}

TEST(ProcessWatch, SaysWhenItIsTimeToAskAgain) {
  Result<ProcessWatch> watch = ProcessWatch::start(::getpid());
  ASSERT_TRUE(watch);
  pollfd timer{watch->timer().get(), POLLIN, 0};
  EXPECT_EQ(::poll(&timer, 1, 60'000), 1);
  EXPECT_FALSE(watch->dying());
  EXPECT_EQ(::poll(&timer, 1, 60'000), 1);
}

TEST(ProcessWatch, CannotWatchWhatDoesNotExist) {
  EXPECT_EQ(ProcessWatch::start(4'194'303).error(), Errno(ESRCH));
}

}  // namespace
}  // namespace sluice::testing
