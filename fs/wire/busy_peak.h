#pragma once

#include <algorithm>
#include <cstddef>

namespace sluicefs {

/// How many threads have been busy at once of late: within the last kWindow requests, and up to as many
/// before. Counted in requests, so that threads which wait for the next one keep nobody awake. Not
/// thread-safe.
class BusyPeak {
 public:
  static constexpr std::size_t kWindow = 1024;

  /// A request has come, with which so many are busy.
  void note(std::size_t busy) {
    now_ = std::max(now_, busy);
    if (++requests_ < kWindow) return;
    requests_ = 0;
    before_ = now_;
    now_ = busy;
  }
  [[nodiscard]] std::size_t peak() const { return std::max(now_, before_); }

 private:
  std::size_t requests_ = 0;
  std::size_t now_ = 0;
  std::size_t before_ = 0;
};

}  // namespace sluicefs
