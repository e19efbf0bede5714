#include <chrono>
#include <utility>

#include "attempts.h"
#include "descriptor_cache.h"
#include "early_syncs.h"
#include "epoch_table.h"
#include "sluice/check.h"
#include "sluice/sync_engine.h"
#include "sync_queue.h"

// One sync of SyncEngine from its beginning to its end, on whichever thread.

namespace sluice {

namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

/// None when by now nobody needs one.
std::optional<SyncEngine::RunningSync> SyncEngine::begin_sync(const FileKey& file) {
  SharedFd descriptor = descriptors_->find(file);
  std::optional<RunningSync> sync;
  table_->with_known(file, [&](EpochEntry& entry) {
    entry.queued.reset();
    if (!entry.epochs.wants_sync()) return;
    if (!descriptor) descriptor = entry.descriptor;
    sync = begin_sync(entry, file, std::move(descriptor));
  });
  if (sync) look_at(*sync);
  return sync;
}

/// The same for one that nobody has asked for; none when the inode does not suit.
std::optional<SyncEngine::RunningSync> SyncEngine::begin_early_sync(const FileKey& file, SharedFd descriptor,
                                                                    EarlySyncId id) {
  std::optional<RunningSync> sync;
  table_->with_known(file, [&](EpochEntry& entry) {
    if (!early_->suits(entry)) return;
    sync = begin_sync(entry, file, std::move(descriptor));
    sync->early = entry.early = id;
  });
  if (sync) look_at(*sync);
  return sync;
}

SyncEngine::RunningSync SyncEngine::begin_sync(EpochEntry& entry, const FileKey& file, SharedFd descriptor) {
  SLUICE_CHECK(descriptor != nullptr);
  const MakeDurable action = entry.epochs.begin_sync();
  counters_.of(action.kind).syncs.fetch_add(1, std::memory_order_relaxed);
  return RunningSync{.file = file,
                     .kind = action.kind,
                     .descriptor = std::move(descriptor),
                     .since = Clock::now(),
                     .issued = entry.epochs.issued(),
                     .looks = !options_.opaque && !entry.epochs.opaque(),
                     .as_synced = entry.as_synced,
                     .early = EarlySyncId()};
}

/// Before the sync is submitted, so that what is changed behind us from now on is seen to be later; after
/// begin_sync(), so that no mutation which the sync covers is. An opaque inode is synced in any case.
void SyncEngine::look_at(RunningSync& sync) const {
  sync.as_synced =
      sync.looks ? AsSynced(*backend_, sync.descriptor->get(), sync.issued, sync.as_synced) : AsSynced();
}

void SyncEngine::finish_sync(RunningSync&& sync, const IoCompletion& completion) {
  std::vector<AnsweredBarrier> answered;
  std::size_t places = 0;
  SharedFd unneeded;
  std::optional<Priority> queue;
  bool clean = false;
  AheadNews news;
  table_->with_known(sync.file, [&](EpochEntry& entry) {
    answered = entry.take(end_sync(entry, sync, completion));
    places = answered.size() + entry.freed_places();
    queue = entry.needs_queueing();
    clean = entry.epochs.all_synced() && !entry.epochs.opaque();
    if (completion.outcome != IoOutcome::succeeded) news = early_->failed(entry, sync.early);
    unneeded = entry.unneeded_descriptor();
  });
  // Before anybody is told: whoever is may come again at once and find nothing under way.
  end_turn();
  if (queue) want_sync(sync.file, *queue);
  if (clean) mark_clean(sync.file);
  early_->tell(news);
  if (completion.outcome != IoOutcome::succeeded) limit_failures(completion.error);
  count(sync, completion, answered.size());
  // Whoever is told finds the descriptor closed: he may unlock the file by closing his own, or unmount.
  sync.descriptor.reset();
  unneeded.reset();
  answer(std::move(answered), places);
}

/// Makes the sync of an inode that counts as queued on the calling thread. False, and nothing has happened,
/// when as many are under way as may be; half as many, when some wait for their turn, since whoever comes now
/// would always be faster than the engine's thread.
bool SyncEngine::sync_here(const FileKey& file) {
  const std::size_t limit = backend_->max_in_flight();
  if (!take_turn(queue_->empty() ? limit : limit / 2)) return false;
  std::optional<RunningSync> sync = begin_sync(file);
  if (!sync) {
    end_turn();
    return true;
  }
  const IoCompletion completion = backend_->sync(sync->descriptor->get(), sync->kind);
  finish_sync(std::move(*sync), completion);
  return true;
}

/// Takes one of `limit` places for syncs that are under way; false when they are taken.
bool SyncEngine::take_turn(std::size_t limit) {
  std::size_t taken = under_way_.load();
  while (taken < limit) {
    if (under_way_.compare_exchange_weak(taken, taken + 1)) return true;
  }
  return false;
}

void SyncEngine::end_turn() {
  const bool was_saturated = under_way_.fetch_sub(1) == backend_->max_in_flight();
  // The engine's thread may wait for nothing but this.
  if (was_saturated && !on_own_thread()) backend_->wake();
}

void SyncEngine::mark_clean(const FileKey& file) {
  descriptors_->mark_clean(file);
  // A mutation that has begun since may have marked it dirty already; that must stay the last word.
  bool dirty = false;
  table_->with_known(file,
                     [&](EpochEntry& entry) { dirty = entry.epochs.opaque() || !entry.epochs.all_synced(); });
  if (dirty) descriptors_->mark_dirty(file);
}

std::vector<BarrierAnswer> SyncEngine::end_sync(EpochEntry& entry, const RunningSync& sync,
                                                const IoCompletion& completion) {
  std::vector<BarrierAnswer> answers;
  switch (settled(completion.outcome, entry.never_ran)) {
    case IoOutcome::succeeded:
      entry.epochs.sync_succeeded(answers);
      entry.as_synced = sync.as_synced;
      break;
    case IoOutcome::failed:
      entry.epochs.sync_failed(completion.error, answers);
      break;
    case IoOutcome::never_ran:
      entry.epochs.sync_never_ran();
      break;
  }
  return answers;
}

void SyncEngine::count(const RunningSync& sync, const IoCompletion& completion, std::size_t answered) {
  EngineCounters::Kind& counters = counters_.of(sync.kind);
  counters.sync_latency.record(Clock::now() - sync.since);
  if (completion.outcome == IoOutcome::failed) counters.sync_errors.fetch_add(1, std::memory_order_relaxed);
  if (completion.outcome == IoOutcome::succeeded && answered > 1) {
    counters.joined.fetch_add(answered - 1, std::memory_order_relaxed);
  }
}

}  // namespace sluice
