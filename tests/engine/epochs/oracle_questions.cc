#include <algorithm>

#include "oracle.h"
#include "sluice/check.h"

namespace sluice::testing {

std::optional<SyncKind> Oracle::wanted() const {
  std::optional<SyncKind> kind;
  if (running_) return kind;
  for (std::size_t place = 0; place < barriers_.size(); ++place) {
    if (!taken(place) || !has_ended(place)) continue;
    if (barriers_[place].kind == SyncKind::full) return SyncKind::full;
    kind = SyncKind::data;
  }
  return kind;
}

Priority Oracle::priority() const {
  std::optional<Priority> highest;
  for (std::size_t place = 0; place < barriers_.size(); ++place) {
    if (!taken(place) || !has_ended(place)) continue;
    if (!highest || *highest < barriers_[place].priority) highest = barriers_[place].priority;
  }
  return highest.value_or(Priority());
}

bool Oracle::early_sync_is_useful() const {
  for (const Write& write : writes_) {
    if (!write.ended) return false;  // Nothing behind a write in flight is ever claimed.
    if (!write.synced.full) return true;
  }
  return false;
}

bool Oracle::elides(SyncKind kind) const {
  const std::size_t count = reach(kind);
  for (std::size_t i = 0; i < count; ++i) {
    const Write& write = writes_[i];
    if (write.superseded) continue;
    if (!write.synced[kind] || write.lost.data) return false;
    if (kind == SyncKind::full && write.lost.full) return false;
  }
  return !opaque_;
}

bool Oracle::tells_loss() const {
  return std::any_of(writes_.begin(), writes_.end(), [](const Write& write) {
    return !write.superseded && (write.lost.data || write.lost.full);
  });
}

bool Oracle::all_synced() const {
  return std::all_of(writes_.begin(), writes_.end(), [](const Write& write) { return write.synced.full; });
}

bool Oracle::at_rest() const {
  const bool all_ended = std::all_of(writes_.begin(), writes_.end(), [](const Write& w) { return w.ended; });
  const bool nobody_waits = std::none_of(barriers_.begin(), barriers_.end(),
                                         [](const PendingBarrier& barrier) { return barrier.taken; });
  return all_ended && nobody_waits && !running_;
}

bool Oracle::data_at_rest() const {
  const std::size_t count = reach(SyncKind::data);
  for (std::size_t i = 0; i < count && count > 1; ++i) {
    if (!writes_[i].synced.data) return false;
  }
  return true;
}

bool Oracle::may_forget() const {
  const bool loss = remembers_loss(SyncKind::data) || remembers_loss(SyncKind::full);
  return at_rest() && !opaque_ && (!loss || removed_);
}

bool Oracle::remembers_loss(SyncKind kind) const {
  return std::any_of(writes_.begin(), writes_.end(),
                     [kind](const Write& write) { return write.lost[kind] || write.heals[kind]; });
}

bool Oracle::has_no_loss(SyncKind kind) const {
  bool synced_so_far = true;
  for (const Write& write : writes_) {
    synced_so_far = synced_so_far && write.synced[kind];
    if (write.lost[kind] || write.heals[kind]) return false;
    // Until everything up to the last truncation is durable, the loss before it may still be remembered.
    if (write.emptied && !synced_so_far) return failures_[kind] == 0;
  }
  return true;
}

unsigned Oracle::fresh_failure() const {
  const unsigned known = failures_.data | failures_.full;
  unsigned failure = 0;
  while (failure + 1 < kMaxFailures && (known & (1U << failure)) != 0) ++failure;
  return failure;
}

std::vector<Epoch> Oracle::in_flight() const {
  std::vector<Epoch> epochs;
  for (const Write& write : writes_) {
    if (!write.ended) epochs.push_back(write.epoch);
  }
  return epochs;
}

void Oracle::forget() {
  SLUICE_CHECK(may_forget());
  // Everything has ended and nothing is lost that anybody could ask for, so one write of which nothing is
  // known stands for all: whatever makes it durable makes them durable.
  *this = Oracle();
}

std::uint64_t Oracle::hash() const {
  std::uint64_t hash = 0;
  const auto add = [&hash](std::uint64_t value) { hash = mix_bits(hash ^ value) + 1; };
  for (const Write& w : writes_) {
    unsigned flags = 0;
    for (const bool flag :
         {w.mutation_class == MutationClass::data, w.ended, w.emptied, w.superseded, w.in_sync, w.synced.data,
          w.synced.full, w.lost.data, w.lost.full, w.heals.data, w.heals.full}) {
      flags = flags * 2 + (flag ? 1 : 0);
    }
    add(w.epoch.number() << 32 | flags);
    add(std::uint64_t{w.covered_by} << 32 | std::uint64_t{w.lost_before.full} << 24 |
        std::uint64_t{w.lost_before.data} << 16 | std::uint64_t{w.ended_before} << 8 | w.place);
  }
  for (const PendingBarrier& barrier : barriers_) {
    add(static_cast<std::uint64_t>(barrier.taken) << 40 | static_cast<std::uint64_t>(barrier.kind) << 36 |
        static_cast<std::uint64_t>(barrier.acknowledge) << 33 |
        static_cast<std::uint32_t>(barrier.priority.value()));
  }
  const unsigned running = running_ ? 1U + static_cast<unsigned>(*running_) : 0;
  add(std::uint64_t{running} << 32 | std::uint64_t{failures_.data} << 16 |
      std::uint64_t{failures_.full} << 8 | (opaque_ ? 2U : 0U) | (removed_ ? 1U : 0U));
  return hash;
}

}  // namespace sluice::testing
