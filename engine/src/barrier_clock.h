#pragma once

#include <atomic>
#include <compare>
#include <cstdint>

namespace sluice {

/// A moment, as the number of barriers that had come.
enum class BarrierTime : std::uint64_t {};

/// Tells whether a barrier came and was answered since some moment. That takes a sync at least, so of a file
/// that was written at that moment it says: whoever wrote it was in no hurry to have it synced. Thread-safe;
/// every operation is wait-free.
class BarrierClock {
 public:
  /// A barrier has come.
  [[nodiscard]] BarrierTime arrive() {
    return BarrierTime(arrivals_.fetch_add(1, std::memory_order_relaxed) + 1);
  }
  /// The one that came at `arrival` was answered.
  void answered(BarrierTime arrival) {
    BarrierTime last = last_answered_.load(std::memory_order_relaxed);
    while (last < arrival &&
           !last_answered_.compare_exchange_weak(last, arrival, std::memory_order_relaxed)) {
    }
  }
  [[nodiscard]] BarrierTime now() const { return BarrierTime(arrivals_.load(std::memory_order_relaxed)); }
  [[nodiscard]] bool answered_since(BarrierTime moment) const {
    return last_answered_.load(std::memory_order_relaxed) > moment;
  }

 private:
  std::atomic<std::uint64_t> arrivals_{0};
  std::atomic<BarrierTime> last_answered_{BarrierTime()};
};

}  // namespace sluice
