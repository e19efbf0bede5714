#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <variant>
#include <vector>

#include "os_backend.h"
#include "sluice/mutex.h"

namespace sluice {

/// Syncs and transfers by threads that block in fsync(2), pread(2) and pwrite(2), for systems that forbid
/// io_uring. Threads are made when a call finds no idle one, at most max_in_flight, and kept.
class ThreadBackend final : public OsBackend {
 public:
  /// Makes one descriptor durable; returns 0 or the error number.
  using SyncCall = std::function<int(int fd, SyncKind kind)>;

  /// EAGAIN when not even one thread can be created. REQUIRES: 0 < max_in_flight <= kMaxInFlight.
  static Result<std::unique_ptr<ThreadBackend>> create(unsigned max_in_flight);
  /// The same with another call in the place of fsync(2).
  static Result<std::unique_ptr<ThreadBackend>> create(unsigned max_in_flight, SyncCall sync_call);
  /// Waits for what runs.
  ~ThreadBackend() override;
  ThreadBackend(const ThreadBackend&) = delete;
  ThreadBackend& operator=(const ThreadBackend&) = delete;

  void submit_sync(IoToken token, int fd, SyncKind kind) override;
  IoCompletion sync(int fd, SyncKind kind) override;
  void submit_transfer(IoToken token, const Transfer& transfer) override;
  void wait(std::vector<IoCompletion>& completions) override;
  void wake() override;
  [[nodiscard]] unsigned max_in_flight() const override { return max_in_flight_; }
  [[nodiscard]] std::string_view name() const override { return "threads"; }

 private:
  struct Sync {
    int fd;
    SyncKind kind;
  };
  struct Call {
    IoToken token;
    std::variant<Sync, Transfer> what;
  };

  ThreadBackend(unsigned max_in_flight, SyncCall sync_call);

  void submit(const Call& call);
  Result<void> add_thread();
  void run();
  [[nodiscard]] IoCompletion make(const Call& call) const;

  // Constant after construction.
  const unsigned max_in_flight_;
  const SyncCall sync_call_;

  // Owned by the thread that submits.
  std::vector<std::thread> threads_;

  Mutex mutex_;
  CondVar call_queued_;
  CondVar wait_over_;
  std::deque<Call> queue_ SLUICE_GUARDED_BY(mutex_);
  std::vector<IoCompletion> completed_ SLUICE_GUARDED_BY(mutex_);
  std::size_t busy_ SLUICE_GUARDED_BY(mutex_) = 0;  ///< Threads that have taken a call.
  bool woken_ SLUICE_GUARDED_BY(mutex_) = false;
  bool stopping_ SLUICE_GUARDED_BY(mutex_) = false;
};

}  // namespace sluice
