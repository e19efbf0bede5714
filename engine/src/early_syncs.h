#pragma once

#include <atomic>
#include <cstddef>
#include <optional>

#include "barrier_clock.h"
#include "sluice/epochs.h"
#include "sluice/mutex.h"
#include "sync_ahead.h"

namespace sluice {

struct EpochEntry;

/// What an event of an inode means to sync-ahead. It is found under the lock of the inode, and told when that
/// has been let go.
struct AheadNews {
  enum class What { nothing, late_barrier, asked, in_vain, undone };
  What what = What::nothing;
  EarlySyncId id;
};

/// Sync-ahead as the threads of one engine share it: the policy under its lock, and the clock that tells late
/// barriers from others. Thread-safe.
class EarlySyncs {
 public:
  explicit EarlySyncs(std::size_t limit) : on_(limit > 0), policy_(limit) {}

  // ---- Under the lock of the inode: none is taken here ----

  /// A mutation begins.
  [[nodiscard]] AheadNews mutated(EpochEntry& entry, MutationClass mutation_class) const;
  /// The file is gone, or another has its number.
  [[nodiscard]] AheadNews removed(EpochEntry& entry) const;
  /// A barrier was received; `arrival` is set when it counts, and goes back to answered().
  [[nodiscard]] AheadNews received(EpochEntry& entry, Reception reception, BarrierTime& arrival);
  /// The early sync did not succeed.
  [[nodiscard]] AheadNews failed(EpochEntry& entry, EarlySyncId id) const;
  /// Whether an early sync of it is right and of use.
  [[nodiscard]] bool suits(const EpochEntry& entry) const;

  // ---- Under no lock ----

  /// True when early syncs should be started.
  bool tell(const AheadNews& news) SLUICE_EXCLUDES(mutex_);
  void answered(BarrierTime arrival) { clock_.answered(arrival); }
  /// One to start, if any.
  [[nodiscard]] std::optional<EarlySyncId> start() SLUICE_EXCLUDES(mutex_);
  void not_started(EarlySyncId id) SLUICE_EXCLUDES(mutex_);
  [[nodiscard]] EarlySyncCounts counts() const SLUICE_EXCLUDES(mutex_);

  /// Nobody learns from barriers that come meanwhile, and nothing is started.
  class Pause {
   public:
    explicit Pause(EarlySyncs& of) : of_(of) { ++of_.paused_; }
    ~Pause() { --of_.paused_; }
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;

   private:
    EarlySyncs& of_;
  };

  [[nodiscard]] bool on() const { return on_ && paused_.load(std::memory_order_relaxed) == 0; }

 private:
  const bool on_;
  BarrierClock clock_;
  std::atomic<int> paused_{0};
  mutable Mutex mutex_;
  SyncAhead policy_ SLUICE_GUARDED_BY(mutex_);
};

}  // namespace sluice
