#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <list>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "barrier_clock.h"
#include "sluice/as_synced.h"
#include "sluice/epochs.h"
#include "sluice/ids.h"
#include "sluice/io_backend.h"
#include "sluice/mutex.h"
#include "sluice/sync_request.h"
#include "sluice/unique_fd.h"
#include "sync_ahead.h"

namespace sluice {

/// A barrier whose answer is not known yet.
struct PendingBarrier {
  BarrierId id;
  SyncKind kind;
  std::chrono::steady_clock::time_point since;
  std::unique_ptr<SyncCallback> callback;
  std::shared_ptr<SyncRequest> request;
  /// The last epoch of its cover.
  Epoch through;
  /// For sync-ahead, if it counts there.
  BarrierTime arrival{};
  /// What a mutation of its cover failed with, see OngoingMutation::fail().
  std::optional<Errno> covered_failure;
};

/// A barrier on its way out. No error: its cover is durable, or it was accepted.
struct AnsweredBarrier {
  PendingBarrier barrier;
  std::optional<Errno> error;
};

/// All that the engine knows of one inode.
struct EpochEntry {
  InodeEpochs epochs;
  /// In the order in which `epochs` received them.
  std::vector<PendingBarrier> pending;
  /// The newest barrier's, while a sync may be needed.
  SharedFd descriptor;
  /// When the last sync that succeeded was submitted.
  AsSynced as_synced;
  /// The priority at which it stands in the sync queue, if it does.
  std::optional<Priority> queued;
  /// It holds a place among the waiting requests, for what was acknowledged when queued.
  bool holds_place = false;
  /// When its data were last written.
  BarrierTime written_at{};
  /// The early sync that nobody has asked for yet, if there is one.
  EarlySyncId early;
  /// How many syncs in a row never ran.
  unsigned never_ran = 0;
  /// Who says that it may be written unannounced; `epochs` is opaque while anybody does.
  unsigned opaque_holders = 0;

  /// The priority at which it has to be put into the sync queue now, or put forward in it; it counts as put.
  [[nodiscard]] std::optional<Priority> needs_queueing();
  /// Takes out the descriptor when no sync will be needed; to be closed outside the lock.
  [[nodiscard]] SharedFd unneeded_descriptor();
  /// Gives up the place when nothing that was acknowledged early awaits a sync any more: how many, 0 or 1.
  [[nodiscard]] std::size_t freed_places();
  /// Takes out the barriers that `answers` names, in its order.
  [[nodiscard]] std::vector<AnsweredBarrier> take(const std::vector<BarrierAnswer>& answers);
};

/// An inode of which something is not durable, or may not be.
struct DirtyInode {
  FileKey file;
  /// Of its newest barrier, if one waits.
  SharedFd descriptor;
  /// When a part of it is lost; a sync would not mend that.
  std::optional<Errno> lost;
};

/// FileKey -> EpochEntry. Sharded by key, each shard under its own lock, and bounded: past the limit the
/// entry that was used longest ago and may be forgotten is; an inode without an entry counts as dirty.
/// Entries that must not be forgotten (somebody waits, a mutation or a sync is under way, a failure stands,
/// the inode is opaque) can exceed the limit; the first three are bounded by the requests and threads there
/// are, opaque inodes by those that the kernel knows, and the table is brought back to its limit when they
/// have ended. Checks the invariants of an entry whenever it is let go. Thread-safe. The function that is
/// handed to with() runs under the shard's lock: it must not call the table.
class EpochTable {
 public:
  explicit EpochTable(std::size_t max_inodes);

  /// Calls `use` on the entry of `file`, which is made when there is none.
  template <typename Use>
  void with(const FileKey& file, Use&& use) {
    Shard& shard = shard_of(file);
    const MutexLock lock(shard.mutex);
    const CheckedEntry entry(*this, find_or_make(shard, file));
    use(entry.entry);
  }

  /// Calls `use` on the entry of `file` if there is one.
  template <typename Use>
  void with_known(const FileKey& file, Use&& use) {
    Shard& shard = shard_of(file);
    const MutexLock lock(shard.mutex);
    const auto found = shard.slots.find(file);
    if (found == shard.slots.end()) return;
    const CheckedEntry entry(*this, found->second.entry);
    use(entry.entry);
  }

  /// Every inode of which something is not durable, opaque ones included; but a removed file need not be.
  [[nodiscard]] std::vector<DirtyInode> dirty() const;
  [[nodiscard]] std::size_t size() const;
  /// How many inodes were forgotten while they were not durable, removed files aside.
  [[nodiscard]] std::size_t forgotten_dirty() const {
    return forgotten_dirty_.load(std::memory_order_relaxed);
  }

  /// How many inodes are known with a loss that must be remembered.
  [[nodiscard]] std::size_t failed_inodes() const { return static_cast<std::size_t>(failed_inodes_.load()); }
  /// From now on a failure that stands keeps no entry.
  void let_failures_be_forgotten() { failures_may_be_forgotten_.store(true); }

 private:
  static constexpr std::size_t kShards = 64;

  struct Slot {
    EpochEntry entry;
    std::list<FileKey>::iterator place;
  };
  struct Shard {
    mutable Mutex mutex;
    std::unordered_map<FileKey, Slot, FileKeyHash> slots SLUICE_GUARDED_BY(mutex);
    std::list<FileKey> by_use SLUICE_GUARDED_BY(mutex);  // Used longest ago first.
  };
  struct CheckedEntry {
    CheckedEntry(EpochTable& of, EpochEntry& checked)
        : table(of), entry(checked), had_failure(checked.epochs.failure_stands()) {}
    ~CheckedEntry() {
      entry.epochs.check_invariants();
      if (entry.epochs.failure_stands() != had_failure) table.failed_inodes_ += had_failure ? -1 : 1;
    }
    CheckedEntry(const CheckedEntry&) = delete;
    CheckedEntry& operator=(const CheckedEntry&) = delete;
    EpochTable& table;
    EpochEntry& entry;
    const bool had_failure;
  };

  Shard& shard_of(const FileKey& file) { return shards_[FileKeyHash()(file) % kShards]; }
  EpochEntry& find_or_make(Shard& shard, const FileKey& file) SLUICE_REQUIRES(shard.mutex);
  void make_room(Shard& shard) SLUICE_REQUIRES(shard.mutex);
  [[nodiscard]] bool may_forget(const EpochEntry& entry) const;

  const std::size_t max_per_shard_;
  std::array<Shard, kShards> shards_;
  std::atomic<std::size_t> forgotten_dirty_{0};
  std::atomic<std::ptrdiff_t> failed_inodes_{0};
  std::atomic<bool> failures_may_be_forgotten_{false};
};

}  // namespace sluice
