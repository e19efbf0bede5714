#include <chrono>
#include <utility>

#include "attempts.h"
#include "descriptor_cache.h"
#include "epoch_table.h"
#include "sluice/check.h"
#include "sluice/sync_engine.h"
#include "sync_queue.h"

// What SyncEngine does on its own thread: it starts syncs, ends them, and answers whom they served.

namespace sluice {

namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

void SyncEngine::run() {
  own_thread_.store(std::this_thread::get_id());
  std::vector<IoCompletion> completions;
  while (true) {
    start_syncs();
    if (exit_.load() && running_.empty() && queue_->empty()) break;
    // With as many syncs as may run, nothing can start before one ends, and that needs no waking.
    const bool saturated = running_.size() == backend_->max_in_flight();
    awake_.store(saturated);
    if (saturated || queue_->empty()) backend_->wait(completions);
    awake_.store(true);
    for (const IoCompletion& completion : completions) finish_sync(completion);
    completions.clear();
  }
  own_thread_.store({});  // Another thread may get the number of one that has ended.
}

void SyncEngine::start_syncs() {
  while (running_.size() < backend_->max_in_flight()) {
    const std::optional<FileKey> file = queue_->pop();
    if (!file) return;
    start_sync(*file);
  }
}

void SyncEngine::start_sync(const FileKey& file) {
  SharedFd descriptor = descriptors_->find(file);
  std::optional<MakeDurable> action;
  table_->with_known(file, [&](EpochEntry& entry) {
    entry.queued.reset();
    if (!entry.epochs.wants_sync()) return;
    action = entry.epochs.begin_sync();
    if (!descriptor) descriptor = entry.descriptor;
  });
  if (!action) return;
  SLUICE_CHECK(descriptor != nullptr);
  // Before the sync is submitted, so that what is changed behind us from now on differs from it; after
  // begin_sync(), so that no mutation which the sync covers does.
  std::optional<Fingerprint> fingerprint;
  if (!options_.opaque) {
    if (const Result<Fingerprint> now = backend_->fingerprint(descriptor->get())) fingerprint = *now;
  }
  const IoToken token(++last_token_);
  const int fd = descriptor->get();
  running_.emplace(token.number(),
                   RunningSync{file, action->kind, std::move(descriptor), Clock::now(), fingerprint});
  counters_.of(action->kind).syncs.fetch_add(1, std::memory_order_relaxed);
  backend_->submit_sync(token, fd, action->kind);
}

void SyncEngine::finish_sync(const IoCompletion& completion) {
  const auto found = running_.find(completion.token.number());
  SLUICE_CHECK(found != running_.end());
  RunningSync sync = std::move(found->second);
  running_.erase(found);

  std::vector<AnsweredBarrier> answered;
  std::size_t places = 0;
  SharedFd unneeded;
  std::optional<Priority> queue;
  bool clean = false;
  table_->with_known(sync.file, [&](EpochEntry& entry) {
    answered = entry.take(end_sync(entry, sync, completion));
    places = answered.size() + entry.freed_places();
    queue = entry.needs_queueing();
    clean = entry.epochs.all_synced();
    unneeded = entry.unneeded_descriptor();
  });
  if (queue) want_sync(sync.file, *queue);
  if (clean) mark_clean(sync.file);
  if (completion.outcome != IoOutcome::succeeded) limit_failures(completion.error);
  count(sync, completion, answered.size());
  // Whoever is told finds the descriptor closed: he may unlock the file by closing his own, or unmount.
  sync.descriptor.reset();
  unneeded.reset();
  answer(std::move(answered), places);
}

void SyncEngine::mark_clean(const FileKey& file) {
  descriptors_->mark_clean(file);
  // A mutation that has begun since may have marked it dirty already; that must stay the last word.
  bool dirty = false;
  table_->with_known(file, [&](EpochEntry& entry) { dirty = !entry.epochs.all_synced(); });
  if (dirty) descriptors_->mark_dirty(file);
}

std::vector<BarrierAnswer> SyncEngine::end_sync(EpochEntry& entry, const RunningSync& sync,
                                                const IoCompletion& completion) {
  std::vector<BarrierAnswer> answers;
  switch (settled(completion.outcome, entry.never_ran)) {
    case IoOutcome::succeeded:
      entry.epochs.sync_succeeded(answers);
      entry.durable_fingerprint = sync.fingerprint;
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
