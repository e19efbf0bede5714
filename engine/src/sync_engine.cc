#include "sluice/sync_engine.h"

#include <chrono>
#include <utility>

#include "descriptor_cache.h"
#include "epoch_table.h"
#include "sluice/check.h"
#include "sync_queue.h"

// Locks, none of which is ever held while another is taken: a shard of the epoch table, the descriptor cache,
// the sync queue, and mutex_ (the places of waiting requests). Callbacks are called under none of them.

namespace sluice {

namespace {

using Clock = std::chrono::steady_clock;

bool same(const timespec& a, const timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool differs(SyncKind kind, const Fingerprint& then, const Fingerprint& now) {
  if (then.size != now.size || !same(then.mtime, now.mtime)) return true;
  return kind == SyncKind::full && !same(then.ctime, now.ctime);
}

bool must_wait(Reception reception) {
  return reception == Reception::joined || reception == Reception::waiting;
}

Result<void> result_of(const std::optional<Errno>& error) {
  if (error) return fail(*error);
  return {};
}

}  // namespace

/// A barrier whose answer is known, on its way out.
struct AnsweredRequest {
  PendingBarrier barrier;
  Result<void> result;
};

SyncEngine::SyncEngine(EngineOptions options, std::unique_ptr<IoBackend> backend)
    : options_(options),
      backend_(std::move(backend)),
      table_(std::make_unique<EpochTable>(options.max_inodes)),
      descriptors_(
          std::make_unique<DescriptorCache>(options.max_dirty_descriptors, options.max_clean_descriptors)),
      queue_(std::make_unique<SyncQueue>()),
      thread_([this] { run(); }) {}

SyncEngine::~SyncEngine() {
  stop();
}

// ---- Mutations ----

OngoingMutation SyncEngine::begin(Mutation mutation) {
  bool first_since_sync = false;
  for (Mutation::Touched& touched : mutation.touched()) {
    const bool is_first = &touched == mutation.touched().data();
    bool was_clean = false;
    table_->with(touched.file, [&](EpochEntry& entry) {
      if (is_first) first_since_sync = entry.epochs.data_at_rest();
      // Of an inode that was forgotten a descriptor may be held as a clean one's.
      const bool is_new = entry.epochs.issued() == Epoch(1);
      was_clean = is_new || entry.epochs.durable(SyncKind::full) == entry.epochs.issued();
      touched.epoch = entry.epochs.begin(touched.mutation_class);
    });
    if (was_clean) descriptors_->mark_dirty(touched.file);
  }
  return OngoingMutation(*this, mutation, first_since_sync);
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

void SyncEngine::created(const FileKey& file) {
  descriptors_->erase(file);
  table_->with_known(file, [](EpochEntry& entry) {
    if (entry.epochs.at_rest()) {
      entry.epochs = InodeEpochs();
      entry.durable_fingerprint.reset();
    } else {
      entry.epochs.assume_written();
    }
  });
}

void SyncEngine::removed(const FileKey& file) {
  // A descriptor would keep the space of the file from being freed.
  descriptors_->erase(file);
  table_->with_known(file, [](EpochEntry& entry) { entry.epochs.set_removed(); });
}

void SyncEngine::writeback_failed(const FileKey& file, Errno error) {
  std::vector<BarrierAnswer> answers;
  std::vector<PendingBarrier> pending;
  SharedFd unneeded;
  table_->with(file, [&](EpochEntry& entry) {
    entry.epochs.writeback_failed(error, answers);
    pending = entry.take(answers);
    unneeded = entry.unneeded_descriptor();
  });
  std::vector<AnsweredRequest> answered;
  for (PendingBarrier& barrier : pending) answered.push_back({std::move(barrier), fail(error)});
  answer(std::move(answered));
}

void SyncEngine::hold_descriptor(const FileKey& file, SharedFd descriptor) {
  descriptors_->hold(file, std::move(descriptor));
}

SharedFd SyncEngine::held_descriptor(const FileKey& file) const {
  return descriptors_->find(file);
}

// ---- Barriers ----

Result<std::shared_ptr<SyncRequest>> SyncEngine::submit(SyncOrder&& order) {
  const BarrierId id(last_barrier_.fetch_add(1, std::memory_order_relaxed) + 1);
  auto request = std::make_shared<SyncRequest>(order.file, id);
  if (const Result<void> queued = enqueue(std::move(order), id, request); !queued)
    return fail(queued.error());
  return request;
}

Result<void> SyncEngine::submit_detached(SyncOrder&& order) {
  const BarrierId id(last_barrier_.fetch_add(1, std::memory_order_relaxed) + 1);
  return enqueue(std::move(order), id, nullptr);
}

Result<void> SyncEngine::enqueue(SyncOrder&& order, BarrierId id, std::shared_ptr<SyncRequest> request) {
  SLUICE_CHECK(order.descriptor != nullptr);
  if (const Result<void> place = take_place(order.when_full); !place) return place;

  const FileKey file = order.file;
  EngineCounters::Kind& counters = counters_.of(order.kind);
  counters.barriers.fetch_add(1, std::memory_order_relaxed);
  const bool changed = changed_behind(file, order.kind, order.descriptor->get());
  PendingBarrier barrier{id, order.kind, Clock::now(), std::move(order.callback), std::move(request)};
  BarrierReception received{};
  std::optional<Priority> queue;
  table_->with(file, [&](EpochEntry& entry) {
    if (changed) entry.epochs.assume_written();
    received = entry.epochs.barrier({id, order.kind, order.acknowledge, order.priority});
    if (must_wait(received.reception)) entry.pending.push_back(std::move(barrier));
    if (must_wait(received.reception) || received.reception == Reception::accepted) {
      entry.descriptor = std::move(order.descriptor);
    }
    queue = entry.needs_queueing();
  });
  if (queue) want_sync(file, *queue);
  if (must_wait(received.reception)) return {};

  if (received.reception == Reception::durable) counters.elided.fetch_add(1, std::memory_order_relaxed);
  if (received.reception == Reception::accepted) counters.accepted.fetch_add(1, std::memory_order_relaxed);
  std::vector<AnsweredRequest> answered;
  answered.push_back({std::move(barrier), result_of(received.error)});
  answer(std::move(answered));
  return {};
}

CancelOutcome SyncEngine::cancel(const SyncRequest& request) {
  CancelOutcome outcome = CancelOutcome::all_done;
  std::vector<PendingBarrier> cancelled;
  SharedFd unneeded;
  table_->with_known(request.file(), [&](EpochEntry& entry) {
    outcome = entry.epochs.cancel(request.id());
    if (outcome != CancelOutcome::cancelled) return;
    cancelled = entry.take({{request.id(), Errno(ECANCELED)}});
    unneeded = entry.unneeded_descriptor();
  });
  std::vector<AnsweredRequest> answered;
  for (PendingBarrier& barrier : cancelled) answered.push_back({std::move(barrier), fail(ECANCELED)});
  answer(std::move(answered));
  return outcome;
}

/// Whether the file was written by somebody who does not pass us, as far as statx(2) can tell (DESIGN, rule
/// 7). Asked only when the barrier would otherwise be answered without a sync. Our own mutations that come in
/// between can only make the answer yes, which costs a sync.
bool SyncEngine::changed_behind(const FileKey& file, SyncKind kind, int fallback_fd) const {
  bool elidable = false;
  std::optional<Fingerprint> then;
  table_->with_known(file, [&](EpochEntry& entry) {
    elidable = entry.epochs.would_elide(kind);
    then = entry.durable_fingerprint;
  });
  if (!elidable) return false;
  const SharedFd held = descriptors_->find(file);
  const Result<Fingerprint> now = backend_->fingerprint(held ? held->get() : fallback_fd);
  if (then && now && !differs(kind, *then, *now)) return false;
  counters_.changed_behind.fetch_add(1, std::memory_order_relaxed);
  return true;
}

Result<void> SyncEngine::take_place(WhenFull when_full) {
  const MutexLock lock(mutex_);
  while (!stopping_ && waiting_ >= options_.max_requests) {
    if (when_full == WhenFull::refuse) {
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
  const MutexLock lock(mutex_);
  SLUICE_CHECK(waiting_ >= count);
  waiting_ -= count;
  place_freed_.notify_all();
}

void SyncEngine::want_sync(const FileKey& file, Priority priority) {
  queue_->push(file, priority);
  if (!awake_.exchange(true)) backend_->wake();
}

void SyncEngine::answer(std::vector<AnsweredRequest>&& answered) {
  if (answered.empty()) return;
  // The places first: a callback may submit.
  free_places(answered.size());
  const Clock::time_point now = Clock::now();
  for (AnsweredRequest& one : answered) {
    EngineCounters::Kind& counters = counters_.of(one.barrier.kind);
    counters.barrier_latency.record(now - one.barrier.since);
    if (!one.result) {
      auto& count = one.result.error() == Errno(ECANCELED) ? counters.cancelled : counters.failed;
      count.fetch_add(1, std::memory_order_relaxed);
    }
    if (one.barrier.request) one.barrier.request->answer(one.result);
    if (one.barrier.callback) one.barrier.callback->sync_done(one.result);
  }
}

// ---- Life ----

bool SyncEngine::forgot_dirty_inodes() const {
  return table_->forgotten_dirty() > 0;
}

void SyncEngine::stop() {
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

// ---- On the engine's thread ----

void SyncEngine::run() {
  std::vector<SyncCompletion> completions;
  while (true) {
    start_syncs();
    if (exit_.load() && running_.empty() && queue_->empty()) return;
    awake_.store(false);
    const bool can_start = running_.size() < backend_->max_syncs() && !queue_->empty();
    if (!can_start) backend_->wait(completions);
    awake_.store(true);
    for (const SyncCompletion& completion : completions) finish_sync(completion);
    completions.clear();
  }
}

void SyncEngine::start_syncs() {
  while (running_.size() < backend_->max_syncs()) {
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
  // After begin_sync(), so that a change that the fingerprint shows is never taken for one that the sync
  // covers.
  const Result<Fingerprint> fingerprint = backend_->fingerprint(descriptor->get());
  const SyncToken token(++last_token_);
  const int fd = descriptor->get();
  running_.emplace(token.number(), RunningSync{file, action->kind, std::move(descriptor), Clock::now(),
                                               fingerprint ? std::optional(*fingerprint) : std::nullopt});
  counters_.of(action->kind).syncs.fetch_add(1, std::memory_order_relaxed);
  backend_->submit_sync(token, fd, action->kind);
}

void SyncEngine::finish_sync(const SyncCompletion& completion) {
  const auto found = running_.find(completion.token.number());
  SLUICE_CHECK(found != running_.end());
  const RunningSync sync = std::move(found->second);
  running_.erase(found);

  std::vector<BarrierAnswer> answers;
  std::vector<PendingBarrier> pending;
  SharedFd unneeded;
  std::optional<Priority> queue;
  bool clean = false;
  table_->with_known(sync.file, [&](EpochEntry& entry) {
    end_sync(entry, sync, completion, answers);
    pending = entry.take(answers);
    queue = entry.needs_queueing();
    clean = entry.epochs.durable(SyncKind::full) == entry.epochs.issued();
    unneeded = entry.unneeded_descriptor();
  });
  if (queue) want_sync(sync.file, *queue);
  if (clean) mark_clean(sync.file);
  count(sync, completion, answers.size());

  std::vector<AnsweredRequest> answered;
  answered.reserve(pending.size());
  for (std::size_t i = 0; i < pending.size(); ++i) {
    answered.push_back({std::move(pending[i]), result_of(answers[i].error)});
  }
  answer(std::move(answered));
}

void SyncEngine::mark_clean(const FileKey& file) {
  descriptors_->mark_clean(file);
  // A mutation that has begun since may have marked it dirty already; that must stay the last word.
  bool dirty = false;
  table_->with_known(
      file, [&](EpochEntry& entry) { dirty = entry.epochs.durable(SyncKind::full) < entry.epochs.issued(); });
  if (dirty) descriptors_->mark_dirty(file);
}

void SyncEngine::end_sync(EpochEntry& entry, const RunningSync& sync, const SyncCompletion& completion,
                          std::vector<BarrierAnswer>& answers) {
  switch (completion.outcome) {
    case SyncOutcome::succeeded:
      entry.epochs.sync_succeeded(answers);
      entry.durable_fingerprint = sync.fingerprint;
      return;
    case SyncOutcome::failed:
      entry.epochs.sync_failed(completion.error, answers);
      return;
    case SyncOutcome::never_ran:
      entry.epochs.sync_never_ran();
      return;
  }
}

void SyncEngine::count(const RunningSync& sync, const SyncCompletion& completion, std::size_t answered) {
  EngineCounters::Kind& counters = counters_.of(sync.kind);
  counters.sync_latency.record(Clock::now() - sync.since);
  if (completion.outcome == SyncOutcome::failed) counters.sync_errors.fetch_add(1, std::memory_order_relaxed);
  if (completion.outcome == SyncOutcome::succeeded && answered > 1) {
    counters.joined.fetch_add(answered - 1, std::memory_order_relaxed);
  }
}

}  // namespace sluice
