#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

#include "held_calls.h"
#include "sluice/io_backend.h"
#include "sluice/mutex.h"

namespace sluice::testing {

/// A sync as it reached the backend.
struct SubmittedSync {
  IoToken token;
  int fd;
  SyncKind kind;
  /// The file behind `fd` when it was submitted; 0 when `fd` is not open.
  ino_t inode;
};

/// A transfer as it reached the backend.
struct SubmittedTransfer {
  IoToken token;
  Transfer transfer;
  /// The file behind `transfer.fd` when it was submitted; 0 when that is not open.
  ino_t inode;
};

/// How a test lets a sync end.
struct SyncAnswer {
  IoOutcome outcome = IoOutcome::succeeded;
  Errno error{0};

  static SyncAnswer success() { return {}; }
  static SyncAnswer failure(int error) { return {IoOutcome::failed, Errno(error)}; }
  static SyncAnswer never_ran() { return {IoOutcome::never_ran, Errno(EINTR)}; }
};

/// How a test lets a transfer end. No byte is moved but by the test.
struct TransferAnswer {
  IoOutcome outcome = IoOutcome::succeeded;
  std::size_t bytes = 0;
  Errno error{0};

  static TransferAnswer success(std::size_t bytes) { return {.bytes = bytes}; }
  static TransferAnswer failure(int error) { return {.outcome = IoOutcome::failed, .error = Errno(error)}; }
  static TransferAnswer never_ran() { return {.outcome = IoOutcome::never_ran, .error = Errno(EINTR)}; }
};

/// A backend without a device: the test decides when, in which order and how each sync and transfer ends.
///
/// They are held until the test ends them, unless answer_by() or answer_transfers_by() says otherwise. A
/// sync() is held like one that was submitted, and its caller with it; its token is one of kHere and above.
/// The members of IoBackend belong to the engine; all others may be called by any thread. Ends the process
/// when the engine breaks the backend's rules: more in flight than max_in_flight(), one token twice,
/// submissions and wait() on different threads, a descriptor closed or replaced while it is in use.
class FakeBackend final : public IoBackend {
 public:
  using AnswerFunction = std::function<std::optional<SyncAnswer>(const SubmittedSync&)>;
  using TransferFunction = std::function<std::optional<TransferAnswer>(const SubmittedTransfer&)>;
  /// How long the test's side waits before it gives up.
  static constexpr std::chrono::seconds kPatience{20};
  static constexpr std::uint64_t kHere = std::uint64_t{1} << 63;

  explicit FakeBackend(unsigned max_in_flight = 64) : max_in_flight_(max_in_flight) {}
  ~FakeBackend() override;
  FakeBackend(const FakeBackend&) = delete;
  FakeBackend& operator=(const FakeBackend&) = delete;

  // ---- IoBackend ----

  void submit_sync(IoToken token, int fd, SyncKind kind) override;
  IoCompletion sync(int fd, SyncKind kind) override;
  void submit_transfer(IoToken token, const Transfer& transfer) override;
  void wait(std::vector<IoCompletion>& completions) override;
  void wake() override;
  [[nodiscard]] Result<Fingerprint> fingerprint(int fd) const override;
  [[nodiscard]] Result<off_t> size(int fd) const override;
  [[nodiscard]] timespec wall_clock() const override;
  [[nodiscard]] bool stamps_by_wall_clock(int fd) const override;
  [[nodiscard]] unsigned max_in_flight() const override { return max_in_flight_; }
  [[nodiscard]] std::string_view name() const override { return "fake"; }

  // ---- The test's side: syncs ----

  /// Every sync submitted so far, in order.
  [[nodiscard]] std::vector<SubmittedSync> submitted() const;
  /// The syncs that are submitted and have not ended, in order.
  [[nodiscard]] std::vector<SubmittedSync> in_flight() const;
  /// Waits until `count` syncs have been submitted since the start. False when patience ran out.
  [[nodiscard]] bool wait_for_submissions(std::size_t count) const;

  /// Ends one sync. REQUIRES: it is in flight.
  void end(IoToken token, SyncAnswer answer);
  /// Ends the `index`th sync that was ever submitted, from 0. REQUIRES: it is in flight.
  void end_nth(std::size_t index, SyncAnswer answer);
  /// Ends the oldest sync in flight; false when there is none.
  bool end_oldest(SyncAnswer answer);
  /// Ends every sync in flight.
  void end_all(SyncAnswer answer);

  /// Every sync is from now on answered by `function` when it is submitted, on the engine's thread; those to
  /// which it answers nothing are held. An empty function: all are held.
  void answer_by(AnswerFunction function);

  /// From now on a thread of the backend's own ends the syncs that are held, in random order, each as
  /// `function` says (which must say something). REQUIRES: called once at most.
  void end_in_random_order(std::uint32_t seed, AnswerFunction function);

  // ---- The test's side: transfers, in the same manner ----

  [[nodiscard]] std::vector<SubmittedTransfer> submitted_transfers() const;
  [[nodiscard]] std::vector<SubmittedTransfer> transfers_in_flight() const;
  [[nodiscard]] bool wait_for_transfers(std::size_t count) const;
  void end_transfer(IoToken token, TransferAnswer answer);
  void end_nth_transfer(std::size_t index, TransferAnswer answer);
  bool end_oldest_transfer(TransferAnswer answer);
  void answer_transfers_by(TransferFunction function);

  // ---- The test's side: the rest ----

  /// How often fingerprint() has been asked.
  [[nodiscard]] std::size_t fingerprints() const;
  /// How often wake() has been called.
  [[nodiscard]] std::size_t wakes() const;
  /// Waits until the engine's thread sits in wait() with nothing to take. False when patience ran out.
  [[nodiscard]] bool wait_until_idle() const;
  /// What fingerprint() says of every descriptor, in place of statx(2).
  void set_fingerprint(Result<Fingerprint> fingerprint);
  /// What wall_clock() says, by which every descriptor's file is stamped from now on; before, none is.
  void set_wall_clock(timespec now);

 private:
  using Syncs = HeldCalls<SubmittedSync>;
  using Transfers = HeldCalls<SubmittedTransfer>;

  void end_until_stopped(std::uint32_t seed, const AnswerFunction& function) SLUICE_EXCLUDES(mutex_);
  void check_rules(IoToken token) SLUICE_REQUIRES(mutex_);
  void offer(const SubmittedSync& sync) SLUICE_EXCLUDES(mutex_);
  void end_locked(Syncs::InFlight::iterator sync, SyncAnswer answer) SLUICE_REQUIRES(mutex_);
  void end_locked(Transfers::InFlight::iterator transfer, TransferAnswer answer) SLUICE_REQUIRES(mutex_);

  const unsigned max_in_flight_;

  mutable Mutex mutex_;
  mutable CondVar changed_;
  Syncs syncs_ SLUICE_GUARDED_BY(mutex_);
  Transfers transfers_ SLUICE_GUARDED_BY(mutex_);
  std::vector<IoCompletion> completed_ SLUICE_GUARDED_BY(mutex_);
  std::map<IoToken, IoCompletion> completed_here_ SLUICE_GUARDED_BY(mutex_);
  std::uint64_t last_here_ SLUICE_GUARDED_BY(mutex_) = kHere;
  AnswerFunction answer_function_ SLUICE_GUARDED_BY(mutex_);
  TransferFunction transfer_function_ SLUICE_GUARDED_BY(mutex_);
  std::optional<Result<Fingerprint>> fingerprint_ SLUICE_GUARDED_BY(mutex_);
  std::optional<timespec> wall_clock_ SLUICE_GUARDED_BY(mutex_);
  mutable std::size_t fingerprints_ SLUICE_GUARDED_BY(mutex_) = 0;
  std::optional<std::thread::id> engine_thread_ SLUICE_GUARDED_BY(mutex_);
  std::size_t wakes_ SLUICE_GUARDED_BY(mutex_) = 0;
  bool woken_ SLUICE_GUARDED_BY(mutex_) = false;
  bool waiting_ SLUICE_GUARDED_BY(mutex_) = false;
  bool stopping_ SLUICE_GUARDED_BY(mutex_) = false;

  std::thread ender_;
};

}  // namespace sluice::testing
