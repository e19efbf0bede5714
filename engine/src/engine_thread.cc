#include <utility>

#include "descriptor_cache.h"
#include "early_syncs.h"
#include "sluice/check.h"
#include "sluice/sync_engine.h"
#include "sync_queue.h"

// What SyncEngine does on its own thread: it hands syncs to the backend and takes what has completed.

namespace sluice {

void SyncEngine::run() {
  own_thread_.store(std::this_thread::get_id());
  std::vector<IoCompletion> completions;
  while (true) {
    start_syncs();
    start_early_syncs();
    if (exit_.load() && running_.empty() && queue_->empty()) break;
    // With as many syncs as may run, nothing can start before one ends, and that needs no waking.
    const bool saturated = under_way_.load() == backend_->max_in_flight();
    awake_.store(saturated);
    if (saturated || (queue_->empty() && !early_wanted_.load())) backend_->wait(completions);
    awake_.store(true);
    for (const IoCompletion& completion : completions) take_completion(completion);
    completions.clear();
  }
  own_thread_.store({});  // Another thread may get the number of one that has ended.
}

void SyncEngine::start_syncs() {
  while (take_turn(backend_->max_in_flight())) {
    const std::optional<FileKey> file = queue_->pop();
    if (!file || !start_sync(*file)) end_turn();
    if (!file) return;
  }
}

/// False when by now nobody needs one.
bool SyncEngine::start_sync(const FileKey& file) {
  std::optional<RunningSync> sync = begin_sync(file);
  if (!sync) return false;
  hand_over(std::move(*sync));
  return true;
}

void SyncEngine::hand_over(RunningSync&& sync) {
  const IoToken token(++last_token_);
  const int fd = sync.descriptor->get();
  const SyncKind kind = sync.kind;
  running_.emplace(token.number(), std::move(sync));
  backend_->submit_sync(token, fd, kind);
}

void SyncEngine::start_early_syncs() {
  constexpr int kLooks = 256;  // Most of what is dirty may not be to sync; the rest comes next time.
  early_wanted_.store(false);
  if (exit_.load() || !queue_->empty()) return;
  // Whoever waits for a sync finds a place.
  const std::size_t most = backend_->max_in_flight() * 3 / 4;
  std::optional<EarlySyncId> id = early_->start();
  for (int looks = 0; id && looks < kLooks && take_turn(most); ++looks) {
    auto next = descriptors_->next_dirty();
    std::optional<RunningSync> sync;
    if (next) sync = begin_early_sync(next->file, std::move(next->descriptor), *id);
    if (sync) {
      hand_over(std::move(*sync));
      id = early_->start();
    } else {
      end_turn();
    }
    if (!next) break;
  }
  if (id) early_->not_started(*id);
}

void SyncEngine::take_completion(const IoCompletion& completion) {
  auto ended = running_.extract(completion.token.number());
  SLUICE_CHECK(!ended.empty());
  finish_sync(std::move(ended.mapped()), completion);
}

}  // namespace sluice
