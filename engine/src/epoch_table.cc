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
  return taken;
}

EpochTable::EpochTable(std::size_t max_inodes)
    : max_per_shard_(std::max<std::size_t>(1, max_inodes / kShards)) {}

std::vector<std::pair<FileKey, SharedFd>> EpochTable::dirty() const {
  std::vector<std::pair<FileKey, SharedFd>> found;
  for (const Shard& shard : shards_) {
    const MutexLock lock(shard.mutex);
    for (const auto& [file, slot] : shard.slots) {
      if (slot.entry.epochs.durable(SyncKind::full) < slot.entry.epochs.issued()) {
        found.emplace_back(file, slot.entry.descriptor);
      }
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
  if (shard.slots.size() < max_per_shard_) return;
  constexpr int kTries =
      16;  // Those that may not be forgotten are few; a full scan would cost every newcomer.
  int tries = 0;
  for (auto place = shard.by_use.begin(); place != shard.by_use.end() && tries < kTries; ++place, ++tries) {
    const auto slot = shard.slots.find(*place);
    const InodeEpochs& epochs = slot->second.entry.epochs;
    if (slot->second.entry.queued || !epochs.forgettable()) continue;
    if (epochs.durable(SyncKind::full) < epochs.issued())
      forgotten_dirty_.fetch_add(1, std::memory_order_relaxed);
    shard.slots.erase(slot);
    shard.by_use.erase(place);
    return;
  }
}

}  // namespace sluice
