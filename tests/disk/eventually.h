#pragma once

#include <chrono>
#include <thread>

namespace sluice::testing {

/// Waits until `condition()` is true; false when it has not become so within a minute. For what other
/// processes do, where there is nothing to wait on.
template <typename Condition>
bool eventually(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace sluice::testing
