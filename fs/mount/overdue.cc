#include "mount/overdue.h"

#include <system_error>
#include <utility>

namespace sluicefs {

using sluice::MutexLock;

Overdue::Overdue(std::chrono::milliseconds time, std::function<void()> say) : say_(std::move(say)) {
  const auto deadline = std::chrono::steady_clock::now() + time;
  try {
    watcher_ = std::thread([this, deadline] { watch(deadline); });
  } catch (const std::system_error&) {
    // Nothing is said then; what is waited for goes on.
  }
}

Overdue::~Overdue() {
  {
    const MutexLock lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }
  if (watcher_.joinable()) watcher_.join();
}

void Overdue::watch(std::chrono::steady_clock::time_point deadline) {
  {
    const MutexLock lock(mutex_);
    while (!ended_ && changed_.wait_until(mutex_, deadline)) {
    }
    if (ended_) return;
  }
  say_();
}

}  // namespace sluicefs
