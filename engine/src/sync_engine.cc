#include "sluice/sync_engine.h"

#include <chrono>
#include <utility>

#include "descriptor_cache.h"
#include "early_syncs.h"
#include "epoch_table.h"
#include "os_sync.h"
#include "own_thread.h"
#include "sluice/check.h"
#include "sync_queue.h"

// Locks, none of which is ever held while another is taken: a shard of the epoch table, the descriptor cache,
// the sync queue, the policy of sync-ahead, and mutex_ (the places of waiting requests). Callbacks are called
// under none of them.

namespace sluice {

namespace {

using Clock = std::chrono::steady_clock;

bool must_wait(Reception reception) {
  return reception == Reception::joined || reception == Reception::waiting;
}

Result<void> result_of(const std::optional<Errno>& error) {
  if (error) return fail(*error);
  return {};
}

}  // namespace

SyncEngine::SyncEngine(EngineOptions options, std::unique_ptr<IoBackend> backend)
    : options_(options),
      backend_(std::move(backend)),
      table_(std::make_unique<EpochTable>(options.max_inodes)),
      descriptors_(
          std::make_unique<DescriptorCache>(options.max_dirty_descriptors, options.max_clean_descriptors)),
      queue_(std::make_unique<SyncQueue>()),
      early_(std::make_unique<EarlySyncs>(options.opaque ? 0 : options.sync_ahead_limit)),
      thread_(start_own_thread("sluice-engine", [this] { run(); })) {}

SyncEngine::~SyncEngine() {
  stop();
}

// ---- Mutations ----

OngoingMutation SyncEngine::begin(Mutation mutation) noexcept {
  bool first_since_sync = false;
  for (Mutation::Touched& touched : mutation.touched()) {
    const bool is_first = &touched == mutation.touched().data();
    bool newly_dirty = false;
    AheadNews news;
    table_->with(touched.file, [&](EpochEntry& entry) {
      const bool data_at_rest = entry.epochs.data_at_rest();
      if (is_first) first_since_sync = data_at_rest;
      // Of an inode that was forgotten a descriptor may be held as a clean one's.
      const bool is_new = entry.epochs.issued() == Epoch(1);
      newly_dirty = is_new || entry.epochs.all_synced() ||
                    (touched.mutation_class == MutationClass::data && data_at_rest);
      touched.epoch = entry.epochs.begin(touched.mutation_class);
      news = early_->mutated(entry, touched.mutation_class);
    });
    if (newly_dirty) descriptors_->mark_dirty(touched.file);
    early_->tell(news);
  }
  return OngoingMutation(*this, mutation, first_since_sync);
}

void SyncEngine::fail_covers(const Mutation& mutation, Errno error) {
  for (const Mutation::Touched& touched : mutation.touched()) {
    table_->with_known(touched.file, [&](EpochEntry& entry) {
      for (PendingBarrier& barrier : entry.pending) {
        if (barrier.through >= touched.epoch && !barrier.covered_failure)
          barrier.covered_failure = answerable(error);
      }
    });
  }
}

void SyncEngine::end(const Mutation& mutation, MutationEffect effect) {
  for (const Mutation::Touched& touched : mutation.touched()) {
    std::optional<Priority> queue;
    table_->with(touched.file, [&](EpochEntry& entry) {
      entry.epochs.end(touched.epoch, effect);
      queue = entry.needs_queueing();
    });
    if (queue) want_sync(touched.file, *queue);
    effect = MutationEffect::changed;  // Only the inode named first can have been emptied.
  }
}

void SyncEngine::created(const FileKey& file) noexcept {
  descriptors_->erase(file);
  AheadNews news;
  table_->with_known(file, [&](EpochEntry& entry) {
    news = early_->removed(entry);
    if (entry.epochs.at_rest()) {
      entry.epochs = InodeEpochs();
      if (entry.opaque_holders > 0) entry.epochs.set_opaque();
      entry.as_synced = AsSynced();
    } else {
      entry.epochs.reuse();
    }
  });
  early_->tell(news);
}

void SyncEngine::removed(const FileKey& file) noexcept {
  AheadNews news;
  table_->with_known(file, [&](EpochEntry& entry) {
    entry.epochs.set_removed();
    news = early_->removed(entry);
  });
  early_->tell(news);
  // Only then, see hold_descriptor().
  descriptors_->erase(file);
}

void SyncEngine::writeback_failed(const FileKey& file, Errno error) noexcept {
  std::vector<AnsweredBarrier> answered;
  std::size_t places = 0;
  SharedFd unneeded;
  table_->with(file, [&](EpochEntry& entry) {
    std::vector<BarrierAnswer> answers;
    entry.epochs.writeback_failed(answerable(error), answers);
    answered = entry.take(answers);
    places = answered.size() + entry.freed_places();
    unneeded = entry.unneeded_descriptor();
  });
  limit_failures(answerable(error));
  answer(std::move(answered), places);
}

void SyncEngine::hold_descriptor(const FileKey& file, SharedFd descriptor) noexcept {
  descriptors_->hold(file, std::move(descriptor));
  // A descriptor would keep the space of a removed file from being freed for as long as we run, and whoever
  // syncs it has it open. Looked at after holding, as removed() lets go after marking: one sees the other.
  bool removed = false;
  table_->with_known(file, [&](EpochEntry& entry) { removed = entry.epochs.removed(); });
  if (removed) descriptors_->erase(file);
}

SharedFd SyncEngine::held_descriptor(const FileKey& file) const {
  return descriptors_->find(file);
}

bool SyncEngine::saw_data_change(const FileKey& file) const noexcept {
  bool saw = false;
  table_->with_known(file, [&](EpochEntry& entry) { saw = entry.epochs.data_changed(); });
  return saw;
}

void SyncEngine::set_opaque(const FileKey& file) noexcept {
  table_->with(file, [](EpochEntry& entry) {
    if (entry.opaque_holders++ == 0) entry.epochs.set_opaque();
  });
  descriptors_->mark_dirty(file);
}

void SyncEngine::leave_opaque(const FileKey& file) noexcept {
  table_->with_known(file, [](EpochEntry& entry) {
    SLUICE_CHECK(entry.opaque_holders > 0);
    if (--entry.opaque_holders == 0) entry.epochs.leave_opaque();
  });
}

// ---- Barriers ----

Result<std::shared_ptr<SyncRequest>> SyncEngine::submit(SyncOrder&& order) noexcept {
  const BarrierId id(last_barrier_.fetch_add(1, std::memory_order_relaxed) + 1);
  auto request = std::make_shared<SyncRequest>(order.file, id);
  if (const Result<void> queued = enqueue(std::move(order), id, request); !queued)
    return fail(queued.error());
  return request;
}

Result<void> SyncEngine::submit_detached(SyncOrder&& order) noexcept {
  const BarrierId id(last_barrier_.fetch_add(1, std::memory_order_relaxed) + 1);
  return enqueue(std::move(order), id, nullptr);
}

Result<void> SyncEngine::enqueue(SyncOrder&& order, BarrierId id, std::shared_ptr<SyncRequest> request) {
  SLUICE_CHECK(order.descriptor != nullptr);
  if (const Result<void> place = take_place(order.when_full); !place) return place;

  const FileKey file = order.file;
  EngineCounters::Kind& counters = counters_.of(order.kind);
  counters.barriers.fetch_add(1, std::memory_order_relaxed);
  const bool changed = options_.opaque || changed_behind(file, order.kind, order.descriptor->get());
  PendingBarrier barrier{.id = id,
                         .kind = order.kind,
                         .since = Clock::now(),
                         .callback = std::move(order.callback),
                         .request = std::move(request),
                         .through = Epoch(),
                         .covered_failure = {}};
  BarrierReception received{};
  std::size_t freed_places = 1;
  std::optional<Priority> queue;
  AheadNews news;
  table_->with(file, [&](EpochEntry& entry) {
    if (changed) entry.epochs.assume_written();
    barrier.through = entry.epochs.cover_end(order.kind);
    received = entry.epochs.barrier({id, order.kind, order.acknowledge, order.priority});
    news = early_->received(entry, received.reception, barrier.arrival);
    if (must_wait(received.reception)) entry.pending.push_back(std::move(barrier));
    if (must_wait(received.reception) || received.reception == Reception::accepted) {
      entry.descriptor = std::move(order.descriptor);
    }
    // What is acknowledged early goes on waiting: one place for all of an inode, because they are few.
    if (received.reception == Reception::accepted && !std::exchange(entry.holds_place, true))
      freed_places = 0;
    queue = entry.needs_queueing();
  });
  const bool waits = must_wait(received.reception);
  // Before its sync can end, with which it is dirty no more.
  if (news.what == AheadNews::What::late_barrier) descriptors_->aim_after(file);
  const bool look_ahead = early_->tell(news);
  const bool may_sync_here = waits && order.may_sync_here && !look_ahead;
  if (queue && !(may_sync_here && sync_here(file))) want_sync(file, *queue);
  if (look_ahead) want_early_syncs();
  if (waits) return {};

  if (received.reception == Reception::durable) counters.elided.fetch_add(1, std::memory_order_relaxed);
  if (received.reception == Reception::accepted) counters.accepted.fetch_add(1, std::memory_order_relaxed);
  order.descriptor.reset();  // Before anybody is told, as in finish_sync().
  std::vector<AnsweredBarrier> answered;
  answered.push_back({std::move(barrier), received.error});
  answer(std::move(answered), freed_places);
  return {};
}

CancelOutcome SyncEngine::cancel(const SyncRequest& request) noexcept {
  CancelOutcome outcome = CancelOutcome::all_done;
  std::vector<AnsweredBarrier> cancelled;
  SharedFd unneeded;
  bool unqueue = false;
  table_->with_known(request.file(), [&](EpochEntry& entry) {
    outcome = entry.epochs.cancel(request.id());
    if (outcome != CancelOutcome::cancelled) return;
    cancelled = entry.take({{request.id(), Errno(ECANCELED)}});
    unneeded = entry.unneeded_descriptor();
    unqueue = entry.queued && !entry.epochs.wants_sync();
  });
  if (unqueue) leave_queue(request.file());
  unneeded.reset();  // Before anybody is told, as in finish_sync().
  const std::size_t places = cancelled.size();
  answer(std::move(cancelled), places);
  return outcome;
}

/// Whether the file was written by somebody who does not pass us, as far as statx(2) can tell
/// (docs/design.md, rule 7). Asked only when the barrier would otherwise be answered without a sync. Our own
/// mutations that come in between can only make the answer yes, which costs a sync.
bool SyncEngine::changed_behind(const FileKey& file, SyncKind kind, int fallback_fd) const {
  bool elidable = false;
  AsSynced then;
  Epoch issued;
  table_->with_known(file, [&](EpochEntry& entry) {
    elidable = entry.epochs.would_elide(kind);
    then = entry.as_synced;
    issued = entry.epochs.issued();
  });
  if (!elidable) return false;
  const SharedFd held = descriptors_->find(file);
  if (!then.changed(*backend_, held ? held->get() : fallback_fd, issued, kind)) return false;
  counters_.changed_behind.fetch_add(1, std::memory_order_relaxed);
  return true;
}

Result<void> SyncEngine::take_place(WhenFull when_full) {
  const MutexLock lock(mutex_);
  while (!stopping_ && waiting_ >= options_.max_requests) {
    if (when_full == WhenFull::refuse || on_own_thread()) {
      counters_.refused.fetch_add(1, std::memory_order_relaxed);
      return fail(EAGAIN);
    }
    place_freed_.wait(mutex_);
  }
  if (stopping_) return fail(ESHUTDOWN);
  ++waiting_;
  return {};
}

void SyncEngine::free_places(std::size_t count) {
  if (count == 0) return;
  const MutexLock lock(mutex_);
  SLUICE_CHECK(waiting_ >= count);
  waiting_ -= count;
  place_freed_.notify_all();
}

void SyncEngine::want_sync(const FileKey& file, Priority priority) {
  queue_->push(file, priority);
  if (!awake_.exchange(true)) backend_->wake();
}

void SyncEngine::want_early_syncs() {
  early_wanted_.store(true);
  if (!awake_.exchange(true)) backend_->wake();
}

void SyncEngine::leave_queue(const FileKey& file) {
  if (!queue_->erase(file)) return;
  // Whoever has come since we looked took the inode for queued.
  std::optional<Priority> queue;
  table_->with_known(file, [&](EpochEntry& entry) {
    entry.queued.reset();
    queue = entry.needs_queueing();
  });
  if (queue) want_sync(file, *queue);
}

std::size_t SyncEngine::queued_inodes() const {
  return queue_->size();
}

/// A failed inode is never forgotten (docs/design.md, rule 6), and memory is finite.
void SyncEngine::limit_failures(Errno error) {
  if (table_->failed_inodes() <= options_.max_failed_inodes) return;
  int none = 0;
  failure_.compare_exchange_strong(none, error.value());
  // Only then: whoever meets an inode that was forgotten must find the failure in answer().
  table_->let_failures_be_forgotten();
}

std::optional<Errno> SyncEngine::failure() const {
  const int error = failure_.load();
  return error == 0 ? std::nullopt : std::optional(Errno(error));
}

void SyncEngine::answer(std::vector<AnsweredBarrier>&& answered, std::size_t freed_places) {
  // The places first: a callback may submit.
  free_places(freed_places);
  const Clock::time_point now = Clock::now();
  const std::optional<Errno> of_all = failure();
  for (AnsweredBarrier& one : answered) {
    if (!one.error) one.error = one.barrier.covered_failure;
    if (!one.error) one.error = of_all;
    EngineCounters::Kind& counters = counters_.of(one.barrier.kind);
    counters.barrier_latency.record(now - one.barrier.since);
    early_->answered(one.barrier.arrival);
    if (one.error) {
      auto& count = one.error == Errno(ECANCELED) ? counters.cancelled : counters.failed;
      count.fetch_add(1, std::memory_order_relaxed);
    }
    const Result<void> result = result_of(one.error);
    if (one.barrier.request) one.barrier.request->answer(result);
    if (one.barrier.callback) one.barrier.callback->sync_done(result);
  }
}

CountersSnapshot SyncEngine::counters() const {
  CountersSnapshot counters = counters_.snapshot();
  counters.early = early_->counts();
  return counters;
}

// ---- Life ----

bool SyncEngine::forgot_dirty_inodes() const {
  return table_->forgotten_dirty() > 0;
}

bool SyncEngine::on_own_thread() const {
  return own_thread_.load() == std::this_thread::get_id();
}

void SyncEngine::stop() {
  SLUICE_CHECK(!on_own_thread());
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    place_freed_.notify_all();
    while (waiting_ > 0) place_freed_.wait(mutex_);
  }
  exit_.store(true);
  backend_->wake();
  const MutexLock lock(join_mutex_);
  if (thread_.joinable()) thread_.join();
}

}  // namespace sluice
