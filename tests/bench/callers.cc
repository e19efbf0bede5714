#include "callers.h"

#include <atomic>
#include <chrono>
#include <cmath>
#include <exception>
#include <latch>
#include <thread>

namespace sluice::bench {

namespace {
using Clock = std::chrono::steady_clock;
using Microseconds = std::chrono::duration<double, std::micro>;
using Seconds = std::chrono::duration<double>;
}  // namespace

/// Threads that begin together, and what they counted.
class CallerGroup {
 public:
  CallerGroup(unsigned count, const Ledger& ledger) : ready_(count), failures_(count) {
    for (unsigned number = 0; number < count; ++number) callers_.emplace_back(number, ledger);
  }

  /// Starts a thread for each; `work` is called once in it.
  void start(const std::function<void(Caller&)>& work) {
    for (Caller& caller : callers_) {
      threads_.emplace_back([this, &caller, work] {
        try {
          ready_.count_down();
          go_.wait();
          work(caller);
        } catch (...) {
          failures_[caller.number_] = std::current_exception();
        }
      });
    }
    ready_.wait();
  }
  void go() { go_.count_down(); }
  /// Waits for all and throws what the first of them threw.
  void join() {
    for (std::thread& thread : threads_) thread.join();
    for (const std::exception_ptr& failure : failures_) {
      if (failure) std::rethrow_exception(failure);
    }
  }
  void timed(Caller& caller, const Operation& operation) const {
    const auto began = Clock::now();
    operation(caller);
    caller.latencies_us_.push_back(Microseconds(Clock::now() - began).count());
    caller.operations_ += 1;
  }

  /// Moves what was noted to `ledger`. REQUIRES: joined.
  [[nodiscard]] Sample sample(double seconds, Ledger& ledger) {
    Sample result{.seconds = seconds};
    std::vector<double> latencies;
    for (Caller& caller : callers_) {
      result.operations += caller.operations_;
      result.acknowledged += caller.acknowledged_;
      latencies.insert(latencies.end(), caller.latencies_us_.begin(), caller.latencies_us_.end());
      ledger.merge(caller.ledger_);
    }
    if (!latencies.empty()) {
      result.latency = {.p50_us = percentile(latencies, 0.5), .p99_us = percentile(latencies, 0.99)};
    }
    return result;
  }

 private:
  std::latch ready_;
  std::latch go_{1};
  std::vector<Caller> callers_;
  std::vector<std::exception_ptr> failures_;
  std::vector<std::thread> threads_;
};

std::size_t Setting::count(std::size_t full) const {
  return static_cast<std::size_t>(std::max(1.0, std::round(static_cast<double>(full) * scale)));
}

Sample repeat(const Setting& setting, Ledger& ledger, const Operation& operation) {
  CallerGroup group(setting.callers, ledger.fresh());
  std::atomic<bool> over{false};
  group.start([&](Caller& caller) {
    do group.timed(caller, operation);
    while (!over.load(std::memory_order_relaxed));
  });
  const auto began = Clock::now();
  group.go();
  std::this_thread::sleep_until(began + setting.duration);
  over = true;
  group.join();
  return group.sample(Seconds(Clock::now() - began).count(), ledger);
}

Sample work_off(const Setting& setting, Ledger& ledger, std::size_t pieces, const Piece& piece) {
  CallerGroup group(setting.callers, ledger.fresh());
  group.start([&](Caller& caller) {
    for (std::size_t number = caller.number(); number < pieces; number += setting.callers) {
      group.timed(caller, [&](Caller& self) { piece(self, number); });
    }
  });
  const auto began = Clock::now();
  group.go();
  group.join();
  return group.sample(Seconds(Clock::now() - began).count(), ledger);
}

Sample repeat_beside(const Setting& setting, Ledger& ledger, const Operation& operation, unsigned others,
                     const Operation& beside) {
  CallerGroup many(others, ledger.fresh());
  std::atomic<bool> over{false};
  many.start([&](Caller& caller) {
    do many.timed(caller, beside);
    while (!over.load(std::memory_order_relaxed));
  });
  many.go();
  std::exception_ptr failure;
  Sample result;
  try {
    result = repeat(setting, ledger, operation);
  } catch (...) {
    failure = std::current_exception();
  }
  over = true;
  many.join();
  if (failure) std::rethrow_exception(failure);
  result.acknowledged += many.sample(1, ledger).acknowledged;
  return result;
}

}  // namespace sluice::bench
