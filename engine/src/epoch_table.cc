#include "epoch_table.h"

#include <algorithm>
#include <utility>

#include "sluice/check.h"

namespace sluice {
std::optional<Priority> EpochEntry::needs_queueing() {
  if (!epochs.wants_sync()) return std::nullopt;
  const Priority priority = epochs.priority();
  if (queued && priority <= *queued) return std::nullopt;
  queued = priority;
  return priority;
}

SharedFd EpochEntry::unneeded_descriptor() {
  return epochs.awaited() ? nullptr : std::exchange(descriptor, nullptr);
}

std::size_t EpochEntry::freed_places() {
  if (!holds_place || epochs.promised()) return 0;
  holds_place = false;
  return 1;
}

std::vector<AnsweredBarrier> EpochEntry::take(const std::vector<BarrierAnswer>& answers) {
  std::vector<AnsweredBarrier> taken;
  if (answers.empty()) return taken;
  taken.reserve(answers.size());
  auto answer = answers.begin();
  std::erase_if(pending, [&](PendingBarrier& barrier) {
    if (answer == answers.end() || barrier.id != answer->id) return false;
    taken.push_back({std::move(barrier), answer->error});
    ++answer;
    return true;
  });
  SLUICE_CHECK(answer == answers.end());
  if (pending.empty()) pending.shrink_to_fit();
  return taken;
}

EpochTable::EpochTable(std::size_t max_inodes)
    : max_per_shard_(std::max<std::size_t>(1, max_inodes / kShards)) {}

std::vector<DirtyInode> EpochTable::dirty() const {
  std::vector<DirtyInode> found;
  for (const Shard& shard : shards_) {
    const MutexLock lock(shard.mutex);
    for (const auto& [file, slot] : shard.slots) {
      const InodeEpochs& epochs = slot.entry.epochs;
      const std::optional<Errno> lost = epochs.lost();
      if (!epochs.removed() && (lost || epochs.opaque() || !epochs.all_synced()))
        found.push_back({file, slot.entry.descriptor, lost});
    }
  }
  return found;
}

std::size_t EpochTable::size() const {
  std::size_t count = 0;
  for (const Shard& shard : shards_) {
    const MutexLock lock(shard.mutex);
    count += shard.slots.size();
  }
  return count;
}

EpochEntry& EpochTable::find_or_make(Shard& shard, const FileKey& file) {
  const auto found = shard.slots.find(file);
  if (found != shard.slots.end()) {
    shard.by_use.splice(shard.by_use.end(), shard.by_use, found->second.place);
    return found->second.entry;
  }
  make_room(shard);
  Slot& slot = shard.slots[file];
  slot.place = shard.by_use.insert(shard.by_use.end(), file);
  return slot.entry;
}

void EpochTable::make_room(Shard& shard) {
  constexpr int kTries = 16;  // A newcomer should not pay for a full scan.
  for (int tries = 0; tries < kTries && shard.slots.size() >= max_per_shard_; ++tries) {
    const auto oldest = shard.by_use.begin();
    const auto slot = shard.slots.find(*oldest);
    const InodeEpochs& epochs = slot->second.entry.epochs;
    if (!may_forget(slot->second.entry)) {
      // To the end of the line, or those that must stay would come to hide all others.
      shard.by_use.splice(shard.by_use.end(), shard.by_use, oldest);
      continue;
    }
    if (!epochs.removed() && !epochs.all_synced()) forgotten_dirty_.fetch_add(1, std::memory_order_relaxed);
    if (epochs.failure_stands()) --failed_inodes_;
    shard.slots.erase(slot);
    shard.by_use.erase(oldest);
  }
}

bool EpochTable::may_forget(const EpochEntry& entry) const {
  if (entry.queued) return false;
  if (failures_may_be_forgotten_.load() && entry.epochs.failure_stands())
    return entry.epochs.at_rest() && !entry.epochs.opaque();
  return entry.epochs.forgettable();
}

}  // namespace sluice
