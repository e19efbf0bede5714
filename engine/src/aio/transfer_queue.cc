#include "aio/transfer_queue.h"

#include <optional>
#include <utility>
#include <vector>

#include "attempts.h"
#include "own_thread.h"
#include "sluice/check.h"

namespace sluice {
namespace {

// Whoever knows that it has ended finds the descriptor closed.

void tell(QueuedTransfer ended, Result<std::size_t> result) {
  ended.order.descriptor.reset();
  if (ended.order.callback) ended.order.callback->transfer_done(result);
}

void tell_cancelled(QueuedTransfer cancelled) {
  cancelled.order.descriptor.reset();
  if (cancelled.order.callback) cancelled.order.callback->transfer_cancelled();
}

IoToken token_of(TransferId id) {
  return IoToken(static_cast<std::uint64_t>(id));
}

}  // namespace

TransferQueue::TransferQueue(std::unique_ptr<IoBackend> backend)
    : backend_(std::move(backend)), thread_(start_own_thread("sluice-transfer", [this] { run(); })) {}

TransferQueue::~TransferQueue() {
  stop();
}

Result<TransferId> TransferQueue::submit(TransferOrder&& order) noexcept {
  SLUICE_CHECK(order.descriptor != nullptr && order.transfer.fd == order.descriptor->get());
  TransferId id{};
  {
    const MutexLock lock(mutex_);
    if (stopping_) return fail(ESHUTDOWN);
    id = TransferId(++last_id_);
    ++unfinished_;
    waiting_.push({.id = id, .order = std::move(order)});
  }
  if (!awake_.exchange(true)) backend_->wake();
  return id;
}

CancelOutcome TransferQueue::cancel(TransferId id) noexcept {
  std::optional<QueuedTransfer> cancelled;
  {
    const MutexLock lock(mutex_);
    if (running_.contains(id)) return CancelOutcome::not_cancelled;
    // Another one can become ready only in the place of this one, which the thread knows of.
    cancelled = waiting_.erase(id);
  }
  if (!cancelled) return CancelOutcome::all_done;
  tell_cancelled(std::move(*cancelled));
  leave(1);
  return CancelOutcome::cancelled;
}

void TransferQueue::stop() {
  SLUICE_CHECK(own_thread_.load() != std::this_thread::get_id());
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    while (unfinished_ > 0) all_left_.wait(mutex_);
  }
  exit_.store(true);
  backend_->wake();
  const MutexLock lock(join_mutex_);
  if (thread_.joinable()) thread_.join();
}

void TransferQueue::leave(std::size_t count) {
  if (count == 0) return;
  const MutexLock lock(mutex_);
  SLUICE_CHECK(unfinished_ >= count);
  unfinished_ -= count;
  if (unfinished_ == 0 && stopping_) all_left_.notify_all();
}

// ---- On the queue's thread ----

void TransferQueue::run() {
  own_thread_.store(std::this_thread::get_id());
  std::vector<IoCompletion> completions;
  while (true) {
    const bool saturated = start_transfers();
    if (exit_.load()) break;  // Nothing is unfinished then.
    // With as many transfers as may run, nothing can start before one ends, and that needs no waking.
    awake_.store(saturated);
    if (saturated || none_ready()) backend_->wait(completions);
    awake_.store(true);
    std::size_t ended = 0;
    for (const IoCompletion& completion : completions) ended += finish(completion) ? 1 : 0;
    completions.clear();
    leave(ended);
  }
  own_thread_.store({});  // Another thread may get the number of one that has ended.
}

/// True when as many run as may.
bool TransferQueue::start_transfers() {
  bool saturated = false;
  {
    const MutexLock lock(mutex_);
    while (!(saturated = running_.size() >= backend_->max_in_flight())) {
      std::optional<QueuedTransfer> next = waiting_.pop();
      if (!next) break;
      const TransferId id = next->id;
      starting_.push_back({token_of(id), next->order.transfer});
      running_.emplace(id, std::move(*next));
    }
  }
  for (const Start& start : starting_) backend_->submit_transfer(start.token, start.transfer);
  starting_.clear();
  return saturated;
}

bool TransferQueue::none_ready() {
  const MutexLock lock(mutex_);
  return waiting_.none_ready();
}

/// False when the transfer never ran and was started again.
bool TransferQueue::finish(const IoCompletion& completion) {
  std::optional<QueuedTransfer> ended;
  Transfer again{};
  IoOutcome outcome{};
  {
    const MutexLock lock(mutex_);
    const auto found = running_.find(TransferId(completion.token.number()));
    SLUICE_CHECK(found != running_.end());
    outcome = settled(completion.outcome, found->second.never_ran);
    if (outcome == IoOutcome::never_ran) {
      again = found->second.order.transfer;
    } else {
      ended = std::move(found->second);
      running_.erase(found);
      if (ended->order.in_turn) waiting_.end_turn(ended->order.file);
    }
  }
  if (!ended) {
    backend_->submit_transfer(completion.token, again);
    return false;
  }
  Result<std::size_t> result = completion.bytes;
  if (outcome == IoOutcome::failed) result = fail(completion.error);
  tell(std::move(*ended), result);
  return true;
}

}  // namespace sluice
