#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "sluice/engine_counters.h"
#include "sluice/ids.h"

namespace sluice {

/// Decides how many early syncs to make.
///
/// A caller that syncs many files one after another, all of them written before, waits for the device each
/// time. One sign tells him from callers that write a file and sync it at once: his barriers are *late*, that
/// is, while the file lay written, another barrier came and was answered. After a late barrier the files that
/// were written next are worth a try. An early sync is a *hit* when its inode's next barrier finds its cover
/// durable or running, and a *miss* when the inode is written again before, or nobody asks.
///
/// Two numbers bound how many are outstanding (neither hit nor miss yet):
///   depth    doubles with each hit, halves with each miss. At 0 sync-ahead is off until late barriers come
///            again, twice as many each time that it has been of no use. With what looks like another caller
///            (nothing is outstanding, or several late barriers came and no hit) it begins with few again.
///   credit   what misses may cost. Each miss takes 1, each hit gives a half, each late barrier 1/32.
///
/// Invariants, checked by check_invariants():
///   outstanding <= depth when one is started, depth <= limit
///   outstanding <= credit, so that credit never falls below 0, and always
///     misses <= kFirstCredit + hits / 2 + late barriers / 32
///
/// Pure: no clock, no I/O; the same events give the same answers. Not thread-safe.
class SyncAhead {
 public:
  static constexpr std::size_t kFirstCredit = 16;

  /// At most `limit` early syncs are outstanding; 0: none are ever made.
  explicit SyncAhead(std::size_t limit);

  // ---- Events ----

  /// A late barrier has come, for an inode without an early sync.
  void late_barrier();
  /// A barrier has found its cover durable, or running, by this early sync.
  void asked(EarlySyncId id);
  /// The inode was changed, or removed, before anybody asked.
  void in_vain(EarlySyncId id);
  /// The early sync failed or never ran: it says nothing about what will be asked for.
  void undone(EarlySyncId id);

  // ---- Actions ----

  /// How many early syncs to start now.
  [[nodiscard]] std::size_t wanted() const;
  /// One is about to be started. REQUIRES: wanted() > 0.
  [[nodiscard]] EarlySyncId start();
  /// It was not: there was no inode to sync.
  void not_started(EarlySyncId id);

  [[nodiscard]] std::size_t depth() const { return depth_; }
  [[nodiscard]] std::size_t outstanding() const { return outstanding_.size(); }
  [[nodiscard]] const EarlySyncCounts& counts() const { return counts_; }
  void check_invariants() const;

 private:
  /// Of a late barrier or a hit: what has waited for too long is a miss.
  void step();
  void give_up_until(std::uint64_t step);
  void missed();
  void earn(std::size_t credit);

  const std::size_t limit_;
  /// In units of 1 / kUnit.
  std::size_t credit_;
  std::size_t depth_ = 0;
  /// Late barriers that must come, and those that have, before it is tried again.
  std::size_t needed_ = 1;
  std::size_t seen_ = 0;
  int late_in_a_row_ = 0;
  std::uint64_t steps_ = 0;
  std::uint64_t last_id_ = 0;
  /// After which step each is a miss; looked at in the order in which they were started.
  std::map<EarlySyncId, std::uint64_t> outstanding_;
  EarlySyncCounts counts_;
};

}  // namespace sluice
