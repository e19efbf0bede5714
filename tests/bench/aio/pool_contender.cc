#include <unistd.h>

#include <deque>
#include <thread>
#include <utility>

#include "contender.h"
#include "sluice/check.h"
#include "sluice/mutex.h"

namespace sluice::bench {
namespace {

class PoolContender final : public Contender {
 public:
  explicit PoolContender(std::size_t slots) {
    for (std::size_t i = 0; i < slots; ++i) threads_.emplace_back([this] { run(); });
  }
  ~PoolContender() override {
    {
      const MutexLock lock(mutex_);
      stopping_ = true;
    }
    queued_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

  void submit(std::size_t slot, int fd) override {
    {
      const MutexLock lock(mutex_);
      queue_.emplace_back(slot, fd);
    }
    queued_.notify_one();
  }

  void wait(std::vector<std::size_t>& slots) override {
    const MutexLock lock(mutex_);
    while (done_.empty()) finished_.wait(mutex_);
    slots.insert(slots.end(), done_.begin(), done_.end());
    done_.clear();
  }

 private:
  void run() {
    for (;;) {
      std::pair<std::size_t, int> sync;
      {
        const MutexLock lock(mutex_);
        while (queue_.empty() && !stopping_) queued_.wait(mutex_);
        if (queue_.empty()) return;
        sync = queue_.front();
        queue_.pop_front();
      }
      SLUICE_CHECK(::fdatasync(sync.second) == 0);
      {
        const MutexLock lock(mutex_);
        done_.push_back(sync.first);
      }
      finished_.notify_one();
    }
  }

  Mutex mutex_;
  CondVar queued_;
  CondVar finished_;
  std::deque<std::pair<std::size_t, int>> queue_ SLUICE_GUARDED_BY(mutex_);
  std::vector<std::size_t> done_ SLUICE_GUARDED_BY(mutex_);
  bool stopping_ SLUICE_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<Contender> make_thread_pool(std::size_t slots) {
  return std::make_unique<PoolContender>(slots);
}

}  // namespace sluice::bench
