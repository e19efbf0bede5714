#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "sluice/epochs.h"

namespace sluice::testing {

/// One value for each kind of sync.
template <typename T>
struct PerKind {
  T data{};
  T full{};

  T& operator[](SyncKind kind) { return kind == SyncKind::data ? data : full; }
  const T& operator[](SyncKind kind) const { return kind == SyncKind::data ? data : full; }
  friend bool operator==(const PerKind&, const PerKind&) = default;
};

/// The failures that may be meant: bit n is failure n.
using FailureSet = std::uint8_t;

/// How a barrier must be received.
struct ExpectedReception {
  Reception reception = Reception::waiting;
  FailureSet failures = 0;  ///< When `reception` is failed: any of these.
};

/// What DESIGN's rules promise, kept as plain sets of writes: no marks, no spans, no numbers to compare.
///
/// The writes of the inode are listed in the order in which they began, and a set of them is a flag on each
/// of its members. Every question is answered by looking at every write, so this is slow and hard to get
/// wrong. It shares no code with InodeEpochs and trusts none of its numbers.
///
/// Barriers are named by places, 0 to kMaxBarriers - 1; a place is taken while its barrier waits, or was
/// acknowledged when queued and is not durable yet.
class Oracle {
 public:
  static constexpr std::size_t kMaxBarriers = 16;
  static constexpr std::size_t kMaxInFlight = 8;
  static constexpr unsigned kMaxFailures = 8;

  /// One write: what it is, and of which sets it is a member.
  struct Write {
    Epoch epoch;  ///< As the machine numbered it; 0: nobody announced it.
    MutationClass mutation_class = MutationClass::data;
    bool ended = false;
    bool emptied = false;     ///< It was a truncation to nothing and has ended.
    bool superseded = false;  ///< It had ended before such a truncation began.
    bool in_sync = false;     ///< It had ended when the running sync began.
    PerKind<bool> synced;     ///< It had ended when a sync began that succeeded.
    PerKind<bool> lost;       ///< A sync failed, or a write-out, before it was synced.
    PerKind<bool> heals;      ///< It ends losses that are remembered until it is durable.
    std::uint8_t place = 0;   ///< While it is in flight.
    /// Bit p: it had ended (was lost) when the mutation in place p began.
    std::uint8_t ended_before = 0;
    PerKind<std::uint8_t> lost_before;
    /// Bit p: the cover of the barrier in place p has it.
    std::uint16_t covered_by = 0;

    friend bool operator==(const Write&, const Write&) = default;
  };

  /// An inode of which nothing is known is dirty.
  Oracle() { unannounced(); }

  // ---- Events ----

  void begin(MutationClass mutation_class, Epoch epoch);
  void end(Epoch epoch, MutationEffect effect);
  /// A write that nobody announced: it is over, and it counts as data.
  void unannounced();
  void set_opaque() { opaque_ = true; }
  void leave_opaque();
  void set_removed() { removed_ = true; }
  void reuse();
  /// REQUIRES: `place` is free.
  ExpectedReception barrier(std::size_t place, SyncKind kind, Acknowledge acknowledge, Priority priority);
  CancelOutcome cancel(std::size_t place);
  /// Returns the kind that the sync must have.
  SyncKind begin_sync();
  /// These three return the places whose barriers are answered by the event: success, or that failure.
  std::vector<std::size_t> sync_succeeded();
  std::vector<std::size_t> sync_failed(unsigned failure);
  std::vector<std::size_t> writeback_failed(unsigned failure);
  void sync_never_ran();
  /// The machine's state is dropped and made anew.
  void forget();

  // ---- Questions ----

  /// The kind of the sync that must be wanted now, or none.
  [[nodiscard]] std::optional<SyncKind> wanted() const;
  [[nodiscard]] Priority priority() const;
  /// A sync that nobody asked for would make something durable.
  [[nodiscard]] bool early_sync_is_useful() const;
  [[nodiscard]] bool elides(SyncKind kind) const;
  /// A full barrier would be told a loss now.
  [[nodiscard]] bool tells_loss() const;
  [[nodiscard]] bool all_synced() const;
  [[nodiscard]] bool at_rest() const;
  /// No data write awaits a sync but the one that stands for what is not known.
  [[nodiscard]] bool data_at_rest() const;
  /// Dropping what is known could make nobody believe too much.
  [[nodiscard]] bool may_forget() const;
  /// A loss of that kind is known and must stay known.
  [[nodiscard]] bool remembers_loss(SyncKind kind) const;
  /// Nothing is lost, or all of it was truncated away for good: no loss may be remembered.
  [[nodiscard]] bool has_no_loss(SyncKind kind) const;
  /// A failure that is none of those remembered, if there is one.
  [[nodiscard]] unsigned fresh_failure() const;

  [[nodiscard]] const std::vector<Write>& writes() const { return writes_; }
  [[nodiscard]] bool opaque() const { return opaque_; }
  [[nodiscard]] bool removed() const { return removed_; }
  [[nodiscard]] bool sync_running() const { return running_.has_value(); }
  [[nodiscard]] std::vector<Epoch> in_flight() const;
  [[nodiscard]] bool taken(std::size_t place) const {
    return place < barriers_.size() && barriers_[place].taken;
  }
  [[nodiscard]] bool waits(std::size_t place) const {
    return taken(place) && barriers_[place].acknowledge == Acknowledge::when_durable;
  }

  [[nodiscard]] std::uint64_t hash() const;
  friend bool operator==(const Oracle&, const Oracle&) = default;

 private:
  struct PendingBarrier {
    bool taken = false;
    SyncKind kind = SyncKind::full;
    Acknowledge acknowledge = Acknowledge::when_durable;
    Priority priority;

    friend bool operator==(const PendingBarrier&, const PendingBarrier&) = default;
  };

  /// How many of the writes, in order, a barrier of that kind must look at.
  [[nodiscard]] std::size_t reach(SyncKind kind) const;
  [[nodiscard]] FailureSet losses(std::size_t place) const;
  [[nodiscard]] bool is_durable(std::size_t place) const;
  [[nodiscard]] bool has_ended(std::size_t place) const;
  [[nodiscard]] bool is_served_by_running(std::size_t place) const;
  /// True when another promise has the same kind and cover.
  [[nodiscard]] bool repeats_a_promise(std::size_t place) const;
  void drop(std::size_t place);
  void lose(SyncKind kind, unsigned failure);
  std::vector<std::size_t> take_answered();

  std::vector<Write> writes_;
  std::vector<PendingBarrier> barriers_;  // By place, as far as any is taken.
  std::optional<SyncKind> running_;
  PerKind<FailureSet> failures_;
  bool opaque_ = false;
  bool removed_ = false;
};

}  // namespace sluice::testing
