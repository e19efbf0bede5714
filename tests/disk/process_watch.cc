#include "process_watch.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>

namespace sluice::testing {
namespace {

constexpr long kLookEveryNs = 250'000'000;

/// PF_EXITING of include/linux/sched.h, as /proc/PID/stat shows it; a zombie has it too.
constexpr std::uint64_t kExiting = 0x4;
constexpr std::uint64_t kKillPending = 1U << (SIGKILL - 1);

/// Of the first thread. Whatever ends a process makes SIGKILL pending for each of its threads.
bool is_being_ended(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(file, line)) return true;
  // The name in parentheses may contain anything; then come fields 3 (the state) and following, proc(5).
  constexpr int kFlagsField = 9;
  constexpr int kPendingField = 31;
  std::istringstream fields(line.substr(line.rfind(')') + 2));
  std::uint64_t flags = 0;
  std::uint64_t pending = 0;
  std::string skipped;
  for (int field = 3; field < kFlagsField; ++field) fields >> skipped;
  fields >> flags;
  for (int field = kFlagsField + 1; field < kPendingField; ++field) fields >> skipped;
  fields >> pending;
  return (flags & kExiting) != 0 || (pending & kKillPending) != 0;
}

}  // namespace

Result<ProcessWatch> ProcessWatch::start(pid_t pid) {
  UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process.valid()) return fail_last();
  UniqueFd timer(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!timer.valid()) return fail_last();
  const itimerspec every{{0, kLookEveryNs}, {0, kLookEveryNs}};
  if (::timerfd_settime(timer.get(), 0, &every, nullptr) != 0) return fail_last();
  return ProcessWatch(pid, std::move(process), std::move(timer));
}

bool ProcessWatch::dying() {
  std::uint64_t ticks = 0;
  (void)!::read(timer_.get(), &ticks, sizeof(ticks));
  // First this, because the number may be another process's by now.
  pollfd ended{process_.get(), POLLIN, 0};
  return ::poll(&ended, 1, 0) != 0 || is_being_ended(pid_);
}

}  // namespace sluice::testing
