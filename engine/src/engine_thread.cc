#include <utility>

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
    if (exit_.load() && running_.empty() && queue_->empty()) break;
    // With as many syncs as may run, nothing can start before one ends, and that needs no waking.
    const bool saturated = under_way_.load() == backend_->max_in_flight();
    awake_.store(saturated);
    if (saturated || queue_->empty()) backend_->wait(completions);
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
  const IoToken token(++last_token_);
  const int fd = sync->descriptor->get();
  const SyncKind kind = sync->kind;
  running_.emplace(token.number(), std::move(*sync));
  backend_->submit_sync(token, fd, kind);
  return true;
}

void SyncEngine::take_completion(const IoCompletion& completion) {
  auto ended = running_.extract(completion.token.number());
  SLUICE_CHECK(!ended.empty());
  finish_sync(std::move(ended.mapped()), completion);
}

}  // namespace sluice
