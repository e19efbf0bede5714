#include "sluice/futex_word.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <ctime>

namespace sluice {
namespace {

static_assert(sizeof(std::atomic<std::uint32_t>) == sizeof(std::uint32_t));
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

timespec to_timespec(FutexWord::Deadline deadline) {
  using std::chrono::nanoseconds;
  using std::chrono::seconds;
  // What lies before the clock's origin has passed as well, but to the kernel it would be no time at all.
  const auto since_boot = std::max(deadline, FutexWord::Deadline()).time_since_epoch();
  const auto whole = std::chrono::floor<seconds>(since_boot);
  return {.tv_sec = static_cast<time_t>(whole.count()),
          .tv_nsec = static_cast<long>(nanoseconds(since_boot - whole).count())};
}

}  // namespace

void FutexWord::advance_and_wake_all() {
  value_.fetch_add(1, std::memory_order_seq_cst);
  // Whoever comes after this look sees the new value and does not sleep.
  if (waiters_.load(std::memory_order_seq_cst) == 0) return;
  const int saved = errno;
  ::syscall(SYS_futex, &value_, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
  errno = saved;
}

FutexWord::Wait FutexWord::wait(std::uint32_t expected, Deadline deadline) const {
  if (value() != expected) return Wait::woken;
  const timespec until = to_timespec(deadline);
  waiters_.fetch_add(1, std::memory_order_seq_cst);
  // steady_clock is CLOCK_MONOTONIC, which WAIT_BITSET counts by, to a point in time.
  const long result =
      ::syscall(SYS_futex, &value_, FUTEX_WAIT_BITSET_PRIVATE, expected,
                deadline == Deadline::max() ? nullptr : &until, nullptr, FUTEX_BITSET_MATCH_ANY);
  const int error = errno;
  waiters_.fetch_sub(1, std::memory_order_seq_cst);
  if (result == 0 || error == EAGAIN) return Wait::woken;
  return error == ETIMEDOUT ? Wait::timed_out : Wait::interrupted;
}

}  // namespace sluice
