#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <utility>
#include <vector>

#include "sluice/check.h"
#include "sluice/io_backend.h"

namespace sluice::testing {

/// Calls of one kind as they reached a FakeBackend. Not synchronised.
template <typename Call>
class HeldCalls {
 public:
  /// By the position in submitted().
  using InFlight = std::map<std::size_t, Call>;

  void add(const Call& call) {
    in_flight_.emplace(submitted_.size(), call);
    submitted_.push_back(call);
  }
  /// Takes one out, which has ended.
  Call take(typename InFlight::iterator call) {
    SLUICE_CHECK(call != in_flight_.end());
    return std::move(in_flight_.extract(call).mapped());
  }

  /// Everything that was ever added, in order.
  [[nodiscard]] const std::vector<Call>& submitted() const { return submitted_; }
  /// What has not ended.
  [[nodiscard]] InFlight& in_flight() { return in_flight_; }
  [[nodiscard]] std::vector<Call> list_in_flight() const {
    std::vector<Call> calls;
    for (const auto& [index, call] : in_flight_) calls.push_back(call);
    return calls;
  }
  [[nodiscard]] typename InFlight::iterator find(IoToken token) {
    return std::find_if(in_flight_.begin(), in_flight_.end(),
                        [&](const auto& numbered) { return numbered.second.token == token; });
  }

 private:
  std::vector<Call> submitted_;
  InFlight in_flight_;
};

}  // namespace sluice::testing
