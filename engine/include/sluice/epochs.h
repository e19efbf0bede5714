#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "sluice/ids.h"
#include "sluice/result.h"

namespace sluice {

/// What a mutation changes. `data`: bytes, size, allocation; creation; for a directory its entries.
/// `metadata`: mode, owner, times, xattrs, link count, names. Access times are no mutation.
enum class MutationClass : std::uint8_t { data, metadata };

/// What is known of a mutation when it ends. A failed one may have done half of its work and counts in full,
/// so there is no "failed" here; `emptied` says that it succeeded and left the file without any bytes.
enum class MutationEffect : std::uint8_t { changed, emptied };

/// When a barrier is answered: when its cover is durable, or already when it is accepted.
enum class Acknowledge : std::uint8_t { when_durable, when_queued };

/// Names one barrier to the edge; the state machine only hands it back.
class BarrierId {
 public:
  constexpr BarrierId() = default;
  explicit constexpr BarrierId(std::uint64_t number) : number_(number) {}
  [[nodiscard]] constexpr std::uint64_t number() const { return number_; }
  friend constexpr auto operator<=>(BarrierId, BarrierId) = default;

 private:
  std::uint64_t number_ = 0;
};

/// The epochs from `first` to `last`, both included.
struct EpochSpan {
  Epoch first;
  Epoch last;

  [[nodiscard]] constexpr bool meets(const EpochSpan& other) const {
    return first <= other.last && other.first <= last;
  }
  friend constexpr bool operator==(const EpochSpan&, const EpochSpan&) = default;
};

/// A barrier, as its caller asked for it.
struct Barrier {
  BarrierId id;
  SyncKind kind = SyncKind::full;
  Acknowledge acknowledge = Acknowledge::when_durable;
  Priority priority;
};

/// How a barrier was received.
enum class Reception : std::uint8_t {
  durable,   ///< Answer success: its cover was durable already. No device is asked.
  failed,    ///< Answer the error: a part of its cover is lost.
  accepted,  ///< Answer success: acknowledged when queued.
  joined,    ///< Waits; the sync that is running covers it.
  waiting,   ///< Waits for a sync that has not begun.
};

struct BarrierReception {
  Reception reception;
  std::optional<Errno> error;  ///< Set exactly when `reception` is failed.
};

/// The answer to a barrier that had to wait. No error: its cover is durable.
struct BarrierAnswer {
  BarrierId id;
  std::optional<Errno> error;
};

/// The action of the state machine: make every epoch up to `through` durable, for `kind`.
struct MakeDurable {
  SyncKind kind;
  Epoch through;

  friend constexpr bool operator==(const MakeDurable&, const MakeDurable&) = default;
};

enum class CancelOutcome : std::uint8_t {
  cancelled,      ///< It was waiting and is forgotten; the edge answers ECANCELED.
  not_cancelled,  ///< A running sync covers it; its answer will come.
  all_done,       ///< No such barrier waits: it has been answered.
};

/// The durability of one inode, as numbers.
///
/// Every mutation gets the next epoch before its system call and ends after it. A barrier captures its
/// *cover*, the epochs it must make durable, when it arrives, and is answered when exactly these are durable.
/// This class decides; the edge acts: it knows no clock, lock, descriptor or system call. The seven
/// rules of docs/design.md are its specification.
///
/// States of a sync, of which an inode has at most one at a time (two on one open file would share one
/// errseq, and the second would be told 0):
///
///   idle -- begin_sync() --> running -- sync_succeeded() --> idle    every epoch up to `through` is durable
///                                    -- sync_failed()    --> idle    a span of epochs is lost
///                                    -- sync_never_ran() --> idle    nothing is known; ask again
///
/// Invariants, checked by check_invariants():
///   durable(full) <= durable(data) <= completed() <= issued()
///   last_data <= issued(), emptied_at <= last_data
///   a running sync: through <= completed()
///   no waiting barrier is durable or failed: those are answered at once
///   a failed span ends at or before issued()
///
/// A durable mark says "every epoch up to here, but for those in the failed span of that kind".
///
/// Not thread-safe: guard it from outside.
class InodeEpochs {
 public:
  /// An inode of which nothing is known, so it is dirty: epoch 1 stands for all that happened before. It
  /// serves a new file as well, whose creation is that epoch.
  InodeEpochs() = default;

  // ---- Mutations ----

  /// A mutation is about to begin. Its epoch must be given back to end().
  [[nodiscard]] Epoch begin(MutationClass mutation_class);
  /// The mutation's system call has returned. REQUIRES: `epoch` came from begin() and has not ended.
  void end(Epoch epoch, MutationEffect effect);
  /// Something may have been written that nobody announced; it is over by now.
  void assume_written();
  /// From now on writes may pass unannounced: every barrier finds the inode written just before it came.
  void set_opaque() { opaque_ = true; }
  /// Nobody can write unannounced any more (the kernel has forgotten the inode); what was written is not
  /// known.
  void leave_opaque();
  /// The last name is gone; a failure of the file need not be remembered once nobody uses it.
  void set_removed() { removed_ = true; }
  /// The inode's number belongs to another file now, while the end of the old one is still going on.
  void reuse();

  // ---- Barriers ----

  [[nodiscard]] BarrierReception barrier(const Barrier& barrier);
  CancelOutcome cancel(BarrierId id);

  // ---- Syncs ----

  /// True when a sync should be started: none is running, and somebody waits whose cover has ended.
  /// Level-triggered: look again after every event.
  [[nodiscard]] bool wants_sync() const;
  /// The highest priority among those whom the next sync would serve.
  [[nodiscard]] Priority priority() const;
  /// Call immediately before the sync is submitted. A sync that nobody asked for is always legal, and is a
  /// full one. REQUIRES: no sync is running, and wants_sync() or durable(full) < completed().
  [[nodiscard]] MakeDurable begin_sync();
  /// The running sync is over. Barriers that are thereby answered are appended to `answers`.
  void sync_succeeded(std::vector<BarrierAnswer>& answers);
  void sync_failed(Errno error, std::vector<BarrierAnswer>& answers);
  /// REQUIRES: the sync provably never ran (not submitted, cancelled while it was queued, EINTR).
  void sync_never_ran();
  /// The kernel could not hand over dirty pages of a mapping, or we could not write them: the caller who made
  /// them dirty is long gone, so it fails like a sync of data.
  void writeback_failed(Errno error, std::vector<BarrierAnswer>& answers);

  // ---- What is known ----

  [[nodiscard]] Epoch issued() const { return issued_; }
  /// The last epoch that a barrier of this kind would have to cover now.
  [[nodiscard]] Epoch cover_end(SyncKind kind) const { return cover_of(kind).last; }
  /// The largest epoch such that it and every earlier one has ended.
  [[nodiscard]] Epoch completed() const;
  [[nodiscard]] Epoch durable(SyncKind kind) const {
    return kind == SyncKind::data ? durable_data_ : durable_full_;
  }
  /// True when a sync could make nothing of what we know durable. Some of it may be lost all the same.
  [[nodiscard]] bool all_synced() const { return durable_full_ == issued_; }
  /// True when a barrier of this kind would be answered success without a sync.
  [[nodiscard]] bool would_elide(SyncKind kind) const;
  /// True when no data mutation of which we know awaits a sync: the next one is the first since then.
  [[nodiscard]] bool data_at_rest() const { return last_data_ <= std::max(durable_data_, Epoch(1)); }
  /// True when a change of data has come since the inode was met, whether it is durable or not.
  [[nodiscard]] bool data_changed() const { return last_data_ > Epoch(1); }
  [[nodiscard]] bool opaque() const { return opaque_; }
  [[nodiscard]] bool sync_running() const { return running_.has_value(); }
  /// True when a loss must be remembered, which it need not be of a removed file.
  [[nodiscard]] bool failure_stands() const { return (failed_data_.span || failed_full_.span) && !removed_; }
  /// The lost epochs of that kind, if any.
  [[nodiscard]] const std::optional<EpochSpan>& failed(SyncKind kind) const { return failures(kind).span; }
  /// The error that a full barrier would be answered now, if any.
  [[nodiscard]] std::optional<Errno> lost() const {
    return loss_in(SyncKind::full, cover_of(SyncKind::full));
  }
  [[nodiscard]] bool removed() const { return removed_; }
  /// True when a barrier waits for a sync, or was acknowledged when queued and is not durable yet.
  [[nodiscard]] bool awaited() const { return !waiters_.empty(); }
  /// True when a barrier that was acknowledged when queued is not durable yet.
  [[nodiscard]] bool promised() const;
  /// True when no mutation is under way, no sync runs and nobody waits for one.
  [[nodiscard]] bool at_rest() const;
  /// True when this object may be dropped, and be made anew (dirty) when the inode is met again, without
  /// anybody being told too much.
  [[nodiscard]] bool forgettable() const;

  /// Aborts the process when an invariant is broken: going on could acknowledge what is not durable.
  void check_invariants() const;

  /// Equal ones answer every sequence of events alike.
  friend bool operator==(const InodeEpochs&, const InodeEpochs&) = default;

 private:
  struct Waiter {
    BarrierId id;
    SyncKind kind;
    EpochSpan cover;
    Priority priority;
    /// Its caller was told when it was queued: it stands here until it is durable, and gets no answer.
    bool acknowledged;

    friend bool operator==(const Waiter&, const Waiter&) = default;
  };
  struct FailedSpan {
    std::optional<EpochSpan> span;
    Errno error{0};

    friend bool operator==(const FailedSpan&, const FailedSpan&) = default;
  };

  [[nodiscard]] EpochSpan cover_of(SyncKind kind) const;
  [[nodiscard]] bool is_durable(SyncKind kind, const EpochSpan& cover) const;
  /// The error of the failed span that `cover` meets; a full cover includes data.
  [[nodiscard]] std::optional<Errno> loss_in(SyncKind kind, const EpochSpan& cover) const;
  [[nodiscard]] const FailedSpan& failures(SyncKind kind) const {
    return kind == SyncKind::data ? failed_data_ : failed_full_;
  }
  [[nodiscard]] FailedSpan& failures(SyncKind kind) {
    return kind == SyncKind::data ? failed_data_ : failed_full_;
  }
  [[nodiscard]] bool running_covers(SyncKind kind, Epoch last) const;
  /// The kind that the next sync must have, or none when nobody's cover has ended.
  [[nodiscard]] std::optional<SyncKind> wanted_kind() const;
  /// Remembers a barrier that is acknowledged when queued. Those that must end together count as one, so of
  /// each kind there are at most three more than mutations in flight.
  void promise(SyncKind kind, const EpochSpan& cover, Priority priority);
  /// True when no sync can make `earlier` durable, or lose it, and not `later`.
  [[nodiscard]] bool end_together(Epoch earlier, Epoch later) const;
  /// Everything of one kind that is not durable is lost.
  void lose(SyncKind kind, Errno error);
  /// Erases the failed span of one kind when the file was emptied after it and that is durable.
  void erase_healed(SyncKind kind);
  /// Answers every waiter whose cover is durable or lost by now.
  void answer_waiters(std::vector<BarrierAnswer>& answers);

  Epoch issued_{1};
  Epoch last_data_{1};
  Epoch durable_data_;
  Epoch durable_full_;
  /// Covers of barriers begin here: the last truncation to nothing, with which older losses ended.
  Epoch emptied_at_;
  std::optional<MakeDurable> running_;
  FailedSpan failed_data_;
  FailedSpan failed_full_;
  std::vector<Epoch> in_flight_;  // Ascending, since epochs are given out in order.
  std::vector<Waiter> waiters_;   // In order of arrival.
  bool opaque_ = false;
  bool removed_ = false;
};

}  // namespace sluice
