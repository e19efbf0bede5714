#pragma once

#include <memory>

#include "os_backend.h"
#include "sluice/unique_fd.h"

struct io_uring;
struct io_uring_sqe;

namespace sluice {

/// Syncs and transfers by one io_uring. All run on io-wq's bounded workers, FSYNC because the kernel does so
/// and transfers because they are told to; the workers' number is raised to max_in_flight.
///
/// Everything is handed to the kernel by the next wait(), all in one system call with the waiting itself.
/// wake() writes to an eventfd that a poll request in the ring watches.
///
/// Neither ring can overflow: the submission ring holds all that may be in flight and the poll request, and
/// the completion ring is twice as large.
class UringBackend final : public OsBackend {
 public:
  /// Fails as io_uring_setup(2), io_uring_enter(2) and io_uring_register(2) do where they are missing or
  /// forbidden. REQUIRES: 0 < max_in_flight <= kMaxInFlight.
  static Result<std::unique_ptr<UringBackend>> create(unsigned max_in_flight);
  ~UringBackend() override;
  UringBackend(const UringBackend&) = delete;
  UringBackend& operator=(const UringBackend&) = delete;

  void submit_sync(IoToken token, int fd, SyncKind kind) override;
  IoCompletion sync(int fd, SyncKind kind) override;
  void submit_transfer(IoToken token, const Transfer& transfer) override;
  void wait(std::vector<IoCompletion>& completions) override;
  void wake() override;
  [[nodiscard]] unsigned max_in_flight() const override { return max_in_flight_; }
  [[nodiscard]] std::string_view name() const override { return "io_uring"; }

  /// How many bounded workers io-wq may run for the calling thread; 0 for a thread that has submitted
  /// nothing.
  [[nodiscard]] Result<unsigned> worker_limit() const;

 private:
  struct CloseRing {
    void operator()(io_uring* ring) const;
  };
  using Ring = std::unique_ptr<io_uring, CloseRing>;

  UringBackend(unsigned max_in_flight, Ring ring, UniqueFd wake_fd);
  static Result<Ring> open_ring(unsigned max_in_flight);

  [[nodiscard]] io_uring_sqe* next_request();
  void raise_worker_limit();
  void watch_wake_fd();
  void submit_and_wait();
  void wait_for_memory();
  void reap(std::vector<IoCompletion>& completions);
  void clear_wake_fd();

  // Constant after construction.
  const unsigned max_in_flight_;
  const Ring ring_;
  const UniqueFd wake_fd_;

  // Owned by the thread that submits.
  bool worker_limit_raised_ = false;
  bool wake_fd_watched_ = false;
};

}  // namespace sluice
