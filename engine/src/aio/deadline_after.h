#pragma once

#include <cerrno>
#include <chrono>
#include <ctime>

#include "sluice/futex_word.h"
#include "sluice/result.h"

namespace sluice {

/// When `timeout` from now has passed, and never when it is null; EINVAL when it is none.
inline Result<FutexWord::Deadline> deadline_after(const timespec* timeout) {
  if (timeout == nullptr) return FutexWord::Deadline::max();
  constexpr long kNanoseconds = 1'000'000'000;
  if (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec >= kNanoseconds) return fail(EINVAL);
  const auto now = std::chrono::steady_clock::now();
  const std::chrono::seconds left =
      std::chrono::duration_cast<std::chrono::seconds>(FutexWord::Deadline::max() - now);
  if (timeout->tv_sec >= left.count() - 1) return FutexWord::Deadline::max();
  return now + std::chrono::seconds(timeout->tv_sec) + std::chrono::nanoseconds(timeout->tv_nsec);
}

}  // namespace sluice
