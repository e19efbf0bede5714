#include "oracle.h"

#include <algorithm>

#include "sluice/check.h"

namespace sluice::testing {
namespace {

constexpr SyncKind kKinds[] = {SyncKind::data, SyncKind::full};

std::uint8_t bit8(std::size_t place) {
  return static_cast<std::uint8_t>(1U << place);
}

std::uint16_t bit16(std::size_t place) {
  return static_cast<std::uint16_t>(1U << place);
}

}  // namespace

// ---- Mutations ----

void Oracle::begin(MutationClass mutation_class, Epoch epoch) {
  unsigned used = 0;
  for (const Write& write : writes_) {
    if (!write.ended) used |= 1U << write.place;
  }
  Write begun;
  begun.epoch = epoch;
  begun.mutation_class = mutation_class;
  while ((used & (1U << begun.place)) != 0) ++begun.place;
  SLUICE_CHECK(begun.place < kMaxInFlight);
  for (Write& write : writes_) {
    if (write.ended) write.ended_before |= bit8(begun.place);
    for (const SyncKind kind : kKinds) {
      if (write.lost[kind]) write.lost_before[kind] |= bit8(begun.place);
    }
  }
  writes_.push_back(begun);
}

void Oracle::end(Epoch epoch, MutationEffect effect) {
  const auto ending = std::find_if(writes_.begin(), writes_.end(),
                                   [&](const Write& w) { return !w.ended && w.epoch == epoch; });
  SLUICE_CHECK(ending != writes_.end());
  const std::uint8_t bit = bit8(ending->place);
  ending->ended = true;
  ending->place = 0;
  ending->emptied = effect == MutationEffect::emptied;
  for (Write& write : writes_) {
    if (ending->emptied && (write.ended_before & bit) != 0) write.superseded = true;
    for (const SyncKind kind : kKinds) {
      if (ending->emptied && write.lost[kind] && (write.lost_before[kind] & bit) != 0) {
        write.lost[kind] = false;
        ending->heals[kind] = true;
      }
      write.lost_before[kind] &= static_cast<std::uint8_t>(~bit);
    }
    write.ended_before &= static_cast<std::uint8_t>(~bit);
  }
}

void Oracle::unannounced() {
  Write write;
  write.ended = true;
  writes_.push_back(write);
}

void Oracle::leave_opaque() {
  if (opaque_) unannounced();
  opaque_ = false;
}

void Oracle::reuse() {
  unannounced();
  removed_ = false;
}

// ---- Barriers ----

std::size_t Oracle::reach(SyncKind kind) const {
  std::size_t count = writes_.size();
  if (kind == SyncKind::data) {
    while (count > 0 && writes_[count - 1].mutation_class != MutationClass::data) --count;
  }
  return count;
}

ExpectedReception Oracle::barrier(std::size_t place, SyncKind kind, Acknowledge acknowledge,
                                  Priority priority) {
  SLUICE_CHECK(!taken(place) && place < kMaxBarriers);
  if (opaque_) unannounced();
  const std::size_t count = reach(kind);
  for (std::size_t i = 0; i < count; ++i) {
    if (!writes_[i].superseded) writes_[i].covered_by |= bit16(place);
  }
  barriers_.resize(std::max(barriers_.size(), place + 1));
  barriers_[place] = {true, kind, acknowledge, priority};
  if (const FailureSet failures = losses(place)) {
    drop(place);
    return {Reception::failed, failures};
  }
  if (is_durable(place)) {
    drop(place);
    return {Reception::durable};
  }
  if (acknowledge == Acknowledge::when_queued) {
    if (repeats_a_promise(place)) drop(place);
    return {Reception::accepted};
  }
  return {is_served_by_running(place) ? Reception::joined : Reception::waiting};
}

CancelOutcome Oracle::cancel(std::size_t place) {
  if (!waits(place)) return CancelOutcome::all_done;
  if (is_served_by_running(place)) return CancelOutcome::not_cancelled;
  drop(place);
  return CancelOutcome::cancelled;
}

FailureSet Oracle::losses(std::size_t place) const {
  FailureSet failures = 0;
  for (const Write& write : writes_) {
    if ((write.covered_by & bit16(place)) == 0) continue;
    if (write.lost.data) failures |= failures_.data;
    if (write.lost.full && barriers_[place].kind == SyncKind::full) failures |= failures_.full;
  }
  return failures;
}

bool Oracle::is_durable(std::size_t place) const {
  return std::all_of(writes_.begin(), writes_.end(), [&](const Write& write) {
    return (write.covered_by & bit16(place)) == 0 || write.synced[barriers_[place].kind];
  });
}

bool Oracle::has_ended(std::size_t place) const {
  return std::all_of(writes_.begin(), writes_.end(), [&](const Write& write) {
    return (write.covered_by & bit16(place)) == 0 || write.ended;
  });
}

bool Oracle::is_served_by_running(std::size_t place) const {
  if (!running_ || (*running_ == SyncKind::data && barriers_[place].kind == SyncKind::full)) return false;
  return std::all_of(writes_.begin(), writes_.end(), [&](const Write& write) {
    return (write.covered_by & bit16(place)) == 0 || write.in_sync;
  });
}

bool Oracle::repeats_a_promise(std::size_t place) const {
  for (std::size_t other = 0; other < barriers_.size(); ++other) {
    if (other == place || !taken(other) || !(barriers_[other] == barriers_[place])) continue;
    const bool same = std::all_of(writes_.begin(), writes_.end(), [&](const Write& write) {
      return ((write.covered_by & bit16(place)) != 0) == ((write.covered_by & bit16(other)) != 0);
    });
    if (same) return true;
  }
  return false;
}

void Oracle::drop(std::size_t place) {
  for (Write& write : writes_) write.covered_by &= static_cast<std::uint16_t>(~bit16(place));
  barriers_[place] = {};
  while (!barriers_.empty() && !barriers_.back().taken) barriers_.pop_back();
}

// ---- Syncs ----

SyncKind Oracle::begin_sync() {
  running_ = wanted().value_or(SyncKind::full);
  for (Write& write : writes_) write.in_sync = write.ended;
  return *running_;
}

std::vector<std::size_t> Oracle::sync_succeeded() {
  const SyncKind done = *running_;
  for (const SyncKind kind : kKinds) {
    if (kind == SyncKind::full && done == SyncKind::data) continue;
    for (Write& write : writes_) {
      if (!write.in_sync) continue;
      write.synced[kind] = true;
      write.heals[kind] = false;
    }
    if (has_no_loss(kind)) failures_[kind] = 0;
  }
  sync_never_ran();
  return take_answered();
}

std::vector<std::size_t> Oracle::sync_failed(unsigned failure) {
  const SyncKind failed = *running_;
  // Somebody may have written just before the failure; his loss was reported to nobody but us.
  if (opaque_) unannounced();
  lose(SyncKind::data, failure);
  if (failed == SyncKind::full) lose(SyncKind::full, failure);
  sync_never_ran();
  return take_answered();
}

std::vector<std::size_t> Oracle::writeback_failed(unsigned failure) {
  unannounced();
  lose(SyncKind::data, failure);
  return take_answered();
}

void Oracle::sync_never_ran() {
  running_.reset();
  for (Write& write : writes_) write.in_sync = false;
}

void Oracle::lose(SyncKind kind, unsigned failure) {
  for (Write& write : writes_) {
    if (write.synced[kind]) continue;
    write.lost[kind] = true;
    failures_[kind] |= static_cast<FailureSet>(1U << failure);
  }
}

std::vector<std::size_t> Oracle::take_answered() {
  std::vector<std::size_t> answered;
  for (std::size_t place = 0; place < barriers_.size(); ++place) {
    if (!taken(place) || (losses(place) == 0 && !is_durable(place))) continue;
    if (waits(place)) answered.push_back(place);
    drop(place);
  }
  return answered;
}

}  // namespace sluice::testing
