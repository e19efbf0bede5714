#include "history.h"

#include <algorithm>
#include <limits>
#include <sstream>

namespace sluice::testing {
namespace {

using Mutations = std::vector<SeenMutation>;
using Syncs = std::vector<SeenSync>;

constexpr Tick kNever = std::numeric_limits<Tick>::max();

bool suffices(SyncKind sync, SyncKind wanted) {
  return sync == SyncKind::full || wanted == SyncKind::data;
}

/// What became of one mutation, for one kind of barrier.
struct Fate {
  Tick durable_at = kNever;
  Tick lost_at = kNever;  ///< The engine knew.
};

/// Of two, the one that the engine has certainly met first. It may meet a write-out as late as `known`.
bool precedes(const SeenSync& a, const SeenSync& b) {
  const auto met = [](const SeenSync& sync) { return sync.write_out ? sync.known : sync.begun; };
  return met(a) < met(b);
}

Fate fate_of(const SeenMutation& mutation, SyncKind kind, const Syncs& syncs) {
  Fate fate;
  const SeenSync* first = nullptr;
  for (const SeenSync& sync : syncs) {
    if (sync.begun < mutation.done || !suffices(sync.kind, kind)) continue;
    if (first == nullptr || precedes(sync, *first)) first = &sync;
    if (sync.error == 0) fate.durable_at = std::min(fate.durable_at, sync.ended);
  }
  if (first != nullptr && first->error != 0) fate.lost_at = first->known;
  return fate;
}

/// A mutation and its fates.
struct Judged {
  const SeenMutation* mutation = nullptr;
  Fate data;
  Fate full;
  /// From here on a truncation to nothing may have superseded it.
  Tick superseded_at = kNever;
  /// Something failed after it had begun; or before it had ended, which is all the same to the engine.
  bool may_be_lost = false;

  [[nodiscard]] Tick lost_at(SyncKind kind) const {
    if (kind == SyncKind::data) return data.lost_at;
    // A sync of data that failed says nothing of metadata.
    const bool is_data = mutation->mutation_class == MutationClass::data;
    return is_data ? std::min(data.lost_at, full.lost_at) : full.lost_at;
  }
  [[nodiscard]] Tick durable_at(SyncKind kind) const {
    return kind == SyncKind::data ? data.durable_at : full.durable_at;
  }
};

std::vector<Judged> judge(const Mutations& mutations, const Syncs& syncs) {
  std::vector<Judged> all;
  for (const SeenMutation& mutation : mutations) {
    Judged judged{&mutation, fate_of(mutation, SyncKind::data, syncs),
                  fate_of(mutation, SyncKind::full, syncs)};
    for (const SeenMutation& other : mutations) {
      // Of two at a time, the engine may have numbered either one first.
      if (other.emptied && &other != &mutation && mutation.begin_called <= other.begun)
        judged.superseded_at = std::min(judged.superseded_at, other.done);
    }
    judged.may_be_lost = std::any_of(syncs.begin(), syncs.end(), [&](const SeenSync& sync) {
      return sync.error != 0 && sync.known > mutation.begin_called;
    });
    all.push_back(judged);
  }
  return all;
}

bool covers(const SeenBarrier& barrier, const SeenMutation& mutation) {
  return mutation.begun < barrier.submitted &&
         (barrier.kind == SyncKind::full || mutation.mutation_class == MutationClass::data);
}

/// What is false about a success, as far as one mutation of the cover is concerned.
const char* lie_about(const SeenBarrier& barrier, const Judged& judged) {
  const bool superseded = judged.superseded_at <= barrier.answered;
  const Tick durable_at = judged.durable_at(barrier.kind);
  const Tick lost_at = judged.lost_at(barrier.kind);
  if (barrier.acknowledge == Acknowledge::when_queued) {
    if (lost_at < barrier.submitted && !superseded) return "known to be lost when it was accepted";
    return durable_at == kNever && !judged.may_be_lost ? "accepted and never synced" : nullptr;
  }
  if (durable_at > barrier.answered) return "not durable when it was answered";
  return lost_at != kNever && !superseded ? "lost" : nullptr;
}

/// Whether everything that the barrier covers came after a truncation to nothing, and that after the failure.
bool healed(const SeenBarrier& barrier, const SeenSync& failure, const Mutations& mutations) {
  return std::any_of(mutations.begin(), mutations.end(), [&](const SeenMutation& m) {
    return m.emptied && m.begin_called > failure.known && m.ended < barrier.submitted;
  });
}

/// Whether the mutation was certainly durable, as far as the failure goes, before that.
bool was_durable(const SeenMutation& mutation, const SeenSync& failure, const Syncs& syncs) {
  return std::any_of(syncs.begin(), syncs.end(), [&](const SeenSync& sync) {
    return sync.error == 0 && suffices(sync.kind, failure.kind) && sync.chosen > mutation.ended &&
           sync.known <= failure.begun;
  });
}

/// A sync or a write-out that failed.
struct Failure {
  const SeenSync* sync;
  /// The first mutation that it may have lost had been about to begin.
  Tick at_stake_since;
};

std::vector<Failure> failures_among(const Syncs& syncs, const Mutations& mutations, bool forgettable) {
  std::vector<Failure> failures;
  for (const SeenSync& sync : syncs) {
    if (sync.error == 0) continue;
    Failure failure{&sync, kNever};
    for (const SeenMutation& mutation : mutations) {
      if (!was_durable(mutation, sync, syncs))
        failure.at_stake_since = std::min(failure.at_stake_since, mutation.begin_called);
    }
    // Nobody announced what a mapping had made dirty.
    if (sync.write_out || forgettable) failure.at_stake_since = 0;
    failures.push_back(failure);
  }
  return failures;
}

/// Whether the failure can be what the barrier was told.
bool is_founded(const SeenBarrier& barrier, const Failure& failure, const Mutations& mutations) {
  const SeenSync& sync = *failure.sync;
  return sync.error == barrier.error && sync.begun < barrier.answered &&
         failure.at_stake_since < std::min(sync.known, barrier.answered) && !healed(barrier, sync, mutations);
}

std::string describe(const SeenBarrier& barrier, const std::string& what) {
  std::ostringstream text;
  text << "a lie: a barrier of " << (barrier.kind == SyncKind::data ? "data" : "all") << ", submitted at "
       << barrier.submitted << ", was answered " << barrier.error << " at " << barrier.answered << ", but "
       << what;
  return text.str();
}

std::string overlap(Syncs syncs) {
  std::erase_if(syncs, [](const SeenSync& sync) { return sync.write_out; });
  std::sort(syncs.begin(), syncs.end(),
            [](const SeenSync& a, const SeenSync& b) { return a.begun < b.begun; });
  const auto second = std::adjacent_find(
      syncs.begin(), syncs.end(), [](const SeenSync& a, const SeenSync& b) { return b.begun < a.ended; });
  return second == syncs.end() ? "" : "two syncs at a time, from " + std::to_string(second->begun);
}

bool is_founded(const SeenBarrier& barrier, const std::vector<Failure>& failures,
                const std::vector<SeenMutation>& mutations) {
  return std::any_of(failures.begin(), failures.end(),
                     [&](const Failure& failure) { return is_founded(barrier, failure, mutations); });
}

}  // namespace

void History::add(const SeenMutation& mutation) {
  const MutexLock lock(mutex_);
  mutations_.push_back(mutation);
}

void History::add(const SeenSync& sync) {
  const MutexLock lock(mutex_);
  syncs_.push_back(sync);
}

void History::add(const SeenBarrier& barrier) {
  const MutexLock lock(mutex_);
  barriers_.push_back(barrier);
}

std::string History::first_lie() const {
  const MutexLock lock(mutex_);
  const std::vector<Judged> all = judge(mutations_, syncs_);
  const std::vector<Failure> failures = failures_among(syncs_, mutations_, forgettable_);
  for (const SeenBarrier& barrier : barriers_) {
    if (barrier.error != 0) {
      if (!is_founded(barrier, failures, mutations_)) {
        return describe(barrier, "no failure can have lost what it covers");
      }
      continue;
    }
    for (const Judged& judged : all) {
      if (!covers(barrier, *judged.mutation)) continue;
      if (const char* lie = lie_about(barrier, judged)) {
        return describe(barrier,
                        "the mutation done at " + std::to_string(judged.mutation->done) + " was " + lie);
      }
    }
  }
  return overlap(syncs_);
}

std::size_t History::successes() const {
  const MutexLock lock(mutex_);
  return static_cast<std::size_t>(
      std::count_if(barriers_.begin(), barriers_.end(), [](const SeenBarrier& b) { return b.error == 0; }));
}

std::size_t History::errors() const {
  const MutexLock lock(mutex_);
  return barriers_.size() -
         static_cast<std::size_t>(std::count_if(barriers_.begin(), barriers_.end(),
                                                [](const SeenBarrier& b) { return b.error == 0; }));
}

}  // namespace sluice::testing
