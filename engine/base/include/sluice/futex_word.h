#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace sluice {

/// A counter to wait on. Unlike a condition variable it needs no lock, may be advanced by a signal handler,
/// and says when a signal handler has interrupted the wait (futex(2)). Read value(), look at what is waited
/// for, then wait() for the value to change: nothing in between is missed. Wraps after 2^32 advances.
class FutexWord {
 public:
  enum class Wait : std::uint8_t {
    woken,  ///< The value has changed, or nothing has happened at all: look again.
    timed_out,
    interrupted,  ///< A signal handler of this thread has run.
  };
  using Deadline = std::chrono::steady_clock::time_point;

  [[nodiscard]] std::uint32_t value() const { return value_.load(std::memory_order_seq_cst); }
  void advance_and_wake_all();
  /// Waits while the value is `expected`; without end for Deadline::max().
  Wait wait(std::uint32_t expected, Deadline deadline = Deadline::max()) const;

 private:
  mutable std::atomic<std::uint32_t> value_{0};
  mutable std::atomic<std::uint32_t> waiters_{0};
};

}  // namespace sluice
