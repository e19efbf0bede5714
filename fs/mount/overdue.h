#pragma once

#include <chrono>
#include <functional>
#include <thread>

#include "sluice/mutex.h"

namespace sluicefs {

/// Says so, once, when something has not ended within its time: what waits for a disk that hangs cannot say
/// it itself.
class Overdue {
 public:
  /// Calls `say` on a thread of its own when `time` has passed and this object is still there.
  Overdue(std::chrono::milliseconds time, std::function<void()> say);
  ~Overdue();
  Overdue(const Overdue&) = delete;
  Overdue& operator=(const Overdue&) = delete;

 private:
  void watch(std::chrono::steady_clock::time_point deadline);

  const std::function<void()> say_;
  sluice::Mutex mutex_;
  sluice::CondVar changed_;
  bool ended_ SLUICE_GUARDED_BY(mutex_) = false;
  std::thread watcher_;
};

}  // namespace sluicefs
