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

#include "sluice/io_backend.h"
#include "sluice/mutex.h"

namespace sluice::testing {

/// A sync as it reached the backend.
struct SubmittedSync {
  SyncToken token;
  int fd;
  SyncKind kind;
  /// The file behind `fd` when it was submitted; 0 when `fd` is not open.
  ino_t inode;
};

/// How a test lets a sync end.
struct SyncAnswer {
  SyncOutcome outcome = SyncOutcome::succeeded;
  Errno error{0};

  static SyncAnswer success() { return {}; }
  static SyncAnswer failure(int error) { return {SyncOutcome::failed, Errno(error)}; }
  static SyncAnswer never_ran() { return {SyncOutcome::never_ran, Errno(EINTR)}; }
};

/// A backend without a device: the test decides when, in which order and how each sync ends.
///
/// Syncs are held until the test ends them, unless answer_by() says otherwise. The members of IoBackend
/// belong to the engine; all others may be called by any thread. Ends the process when the engine breaks the
/// backend's rules: more syncs than max_syncs(), one token twice, submit_sync() and wait() on different
/// threads, a descriptor closed or replaced while its sync is in flight.
class FakeBackend final : public IoBackend {
 public:
  using AnswerFunction = std::function<std::optional<SyncAnswer>(const SubmittedSync&)>;
  /// How long the test's side waits before it gives up.
  static constexpr std::chrono::seconds kPatience{20};

  explicit FakeBackend(unsigned max_syncs = 64) : max_syncs_(max_syncs) {}
  ~FakeBackend() override;
  FakeBackend(const FakeBackend&) = delete;
  FakeBackend& operator=(const FakeBackend&) = delete;

  // ---- IoBackend ----

  void submit_sync(SyncToken token, int fd, SyncKind kind) override;
  void wait(std::vector<SyncCompletion>& completions) override;
  void wake() override;
  [[nodiscard]] Result<Fingerprint> fingerprint(int fd) const override;
  [[nodiscard]] unsigned max_syncs() const override { return max_syncs_; }
  [[nodiscard]] std::string_view name() const override { return "fake"; }

  // ---- The test's side ----

  /// Everything submitted so far, in order.
  [[nodiscard]] std::vector<SubmittedSync> submitted() const;
  /// How often wake() has been called.
  [[nodiscard]] std::size_t wakes() const;
  /// What is submitted and has not ended, in order.
  [[nodiscard]] std::vector<SubmittedSync> in_flight() const;
  /// Waits until `count` syncs have been submitted since the start. False when patience ran out.
  [[nodiscard]] bool wait_for_submissions(std::size_t count) const;
  /// Waits until the engine's thread sits in wait() with nothing to take. False when patience ran out.
  [[nodiscard]] bool wait_until_idle() const;

  /// Ends one sync. REQUIRES: it is in flight.
  void end(SyncToken token, SyncAnswer answer);
  /// Ends the `index`th sync that was ever submitted, from 0. REQUIRES: it is in flight.
  void end_nth(std::size_t index, SyncAnswer answer);
  /// Ends the oldest sync in flight; false when there is none.
  bool end_oldest(SyncAnswer answer);
  /// Ends everything in flight.
  void end_all(SyncAnswer answer);

  /// Every sync is from now on answered by `function` when it is submitted, on the engine's thread; those to
  /// which it answers nothing are held. An empty function: all are held.
  void answer_by(AnswerFunction function);

  /// From now on a thread of the backend's own ends what is held, in random order, each as `function` says
  /// (which must say something). REQUIRES: called once at most.
  void end_in_random_order(std::uint32_t seed, AnswerFunction function);

  /// What fingerprint() says of every descriptor, in place of statx(2).
  void set_fingerprint(Result<Fingerprint> fingerprint);

 private:
  using InFlight = std::map<std::size_t, SubmittedSync>;

  void end_until_stopped(std::uint32_t seed, const AnswerFunction& function) SLUICE_EXCLUDES(mutex_);
  void check_rules(const SubmittedSync& sync) SLUICE_REQUIRES(mutex_);
  [[nodiscard]] InFlight::iterator find(SyncToken token) SLUICE_REQUIRES(mutex_);
  void end_locked(InFlight::iterator sync, SyncAnswer answer) SLUICE_REQUIRES(mutex_);

  const unsigned max_syncs_;

  mutable Mutex mutex_;
  mutable CondVar changed_;
  std::vector<SubmittedSync> submitted_ SLUICE_GUARDED_BY(mutex_);
  /// By the position in `submitted_`.
  InFlight in_flight_ SLUICE_GUARDED_BY(mutex_);
  std::vector<SyncCompletion> completed_ SLUICE_GUARDED_BY(mutex_);
  AnswerFunction answer_function_ SLUICE_GUARDED_BY(mutex_);
  std::optional<Result<Fingerprint>> fingerprint_ SLUICE_GUARDED_BY(mutex_);
  std::optional<std::thread::id> engine_thread_ SLUICE_GUARDED_BY(mutex_);
  std::size_t wakes_ SLUICE_GUARDED_BY(mutex_) = 0;
  bool woken_ SLUICE_GUARDED_BY(mutex_) = false;
  bool waiting_ SLUICE_GUARDED_BY(mutex_) = false;
  bool stopping_ SLUICE_GUARDED_BY(mutex_) = false;

  std::thread ender_;
};

}  // namespace sluice::testing
