#pragma once

#include <memory>

#include "sluice/io_backend.h"
#include "sluice/unique_fd.h"

struct io_uring;

namespace sluice {

/// Syncs by one io_uring. FSYNC always runs on io-wq's bounded workers, whose number is raised to max_syncs.
///
/// Syncs are handed to the kernel by the next wait(), all in one system call with the waiting itself. wake()
/// writes to an eventfd that a poll request in the ring watches.
///
/// Neither ring can overflow: the submission ring holds all the syncs that may be in flight and the poll
/// request, and the completion ring is twice as large.
class UringBackend final : public IoBackend {
 public:
  /// Fails as io_uring_setup(2), io_uring_enter(2) and io_uring_register(2) do where they are missing or
  /// forbidden. REQUIRES: 0 < max_syncs <= kMaxSyncs.
  static Result<std::unique_ptr<UringBackend>> create(unsigned max_syncs);
  ~UringBackend() override;
  UringBackend(const UringBackend&) = delete;
  UringBackend& operator=(const UringBackend&) = delete;

  void submit_sync(SyncToken token, int fd, SyncKind kind) override;
  void wait(std::vector<SyncCompletion>& completions) override;
  void wake() override;
  [[nodiscard]] Result<Fingerprint> fingerprint(int fd) const override;
  [[nodiscard]] unsigned max_syncs() const override { return max_syncs_; }
  [[nodiscard]] std::string_view name() const override { return "io_uring"; }

  /// How many bounded workers io-wq may run for the calling thread; 0 for a thread that has submitted
  /// nothing.
  [[nodiscard]] Result<unsigned> worker_limit() const;

 private:
  struct CloseRing {
    void operator()(io_uring* ring) const;
  };
  using Ring = std::unique_ptr<io_uring, CloseRing>;

  UringBackend(unsigned max_syncs, Ring ring, UniqueFd wake_fd);
  static Result<Ring> open_ring(unsigned max_syncs);

  void raise_worker_limit();
  void watch_wake_fd();
  void submit_and_wait();
  void wait_for_memory();
  void reap(std::vector<SyncCompletion>& completions);
  void clear_wake_fd();

  // Constant after construction.
  const unsigned max_syncs_;
  const Ring ring_;
  const UniqueFd wake_fd_;

  // Owned by the thread that submits.
  bool worker_limit_raised_ = false;
  bool wake_fd_watched_ = false;
};

}  // namespace sluice
