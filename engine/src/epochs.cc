#include "sluice/epochs.h"

#include <algorithm>

#include "sluice/check.h"

namespace sluice {

// ---- Mutations ----

Epoch InodeEpochs::begin(MutationClass mutation_class) {
  issued_ = issued_.next();
  if (mutation_class == MutationClass::data) last_data_ = issued_;
  in_flight_.push_back(issued_);
  return issued_;
}

void InodeEpochs::end(Epoch epoch, MutationEffect effect) {
  const auto found = std::lower_bound(in_flight_.begin(), in_flight_.end(), epoch);
  SLUICE_CHECK(found != in_flight_.end() && *found == epoch);
  in_flight_.erase(found);
  if (effect == MutationEffect::emptied) emptied_at_ = std::max(emptied_at_, epoch);
}

void InodeEpochs::assume_written() {
  issued_ = issued_.next();
  last_data_ = issued_;
}

void InodeEpochs::leave_opaque() {
  if (!opaque_) return;
  opaque_ = false;
  assume_written();
}

void InodeEpochs::reuse() {
  removed_ = false;
  assume_written();
}

// ---- Barriers ----

BarrierReception InodeEpochs::barrier(const Barrier& barrier) {
  if (opaque_) assume_written();
  const EpochSpan cover = cover_of(barrier.kind);
  if (const std::optional<Errno> error = loss_in(barrier.kind, cover)) return {Reception::failed, error};
  if (is_durable(barrier.kind, cover)) return {Reception::durable, {}};
  if (barrier.acknowledge == Acknowledge::when_queued) {
    promise(barrier.kind, cover, barrier.priority);
    return {Reception::accepted, {}};
  }
  waiters_.push_back({barrier.id, barrier.kind, cover, barrier.priority, false});
  return {running_covers(barrier.kind, cover.last) ? Reception::joined : Reception::waiting, {}};
}

CancelOutcome InodeEpochs::cancel(BarrierId id) {
  const auto found = std::find_if(waiters_.begin(), waiters_.end(),
                                  [id](const Waiter& w) { return !w.acknowledged && w.id == id; });
  if (found == waiters_.end()) return CancelOutcome::all_done;
  if (running_covers(found->kind, found->cover.last)) return CancelOutcome::not_cancelled;
  waiters_.erase(found);
  return CancelOutcome::cancelled;
}

// ---- Syncs ----

bool InodeEpochs::wants_sync() const {
  return !running_ && wanted_kind().has_value();
}

Priority InodeEpochs::priority() const {
  std::optional<Priority> highest;
  for (const Waiter& waiter : waiters_) {
    if (waiter.cover.last <= completed() && (!highest || *highest < waiter.priority))
      highest = waiter.priority;
  }
  return highest.value_or(Priority());
}

MakeDurable InodeEpochs::begin_sync() {
  SLUICE_CHECK(!running_);
  const std::optional<SyncKind> wanted = wanted_kind();
  SLUICE_CHECK(wanted || durable_full_ < completed());
  running_ = MakeDurable{wanted.value_or(SyncKind::full), completed()};
  return *running_;
}

void InodeEpochs::sync_succeeded(std::vector<BarrierAnswer>& answers) {
  SLUICE_CHECK(running_.has_value());
  const MakeDurable done = *running_;
  running_.reset();
  durable_data_ = std::max(durable_data_, done.through);
  erase_healed(SyncKind::data);
  if (done.kind == SyncKind::full) {
    durable_full_ = std::max(durable_full_, done.through);
    erase_healed(SyncKind::full);
  }
  answer_waiters(answers);
}

void InodeEpochs::sync_failed(Errno error, std::vector<BarrierAnswer>& answers) {
  SLUICE_CHECK(running_.has_value());
  const MakeDurable failed = *running_;
  running_.reset();
  // Nobody announces writes to an opaque inode, so data was at stake even when all that we know is durable;
  // and our descriptor has consumed the error.
  if (opaque_) assume_written();
  lose(SyncKind::data, error);
  if (failed.kind == SyncKind::full) lose(SyncKind::full, error);
  answer_waiters(answers);
}

void InodeEpochs::sync_never_ran() {
  SLUICE_CHECK(running_.has_value());
  running_.reset();
}

void InodeEpochs::writeback_failed(Errno error, std::vector<BarrierAnswer>& answers) {
  // Nobody announced what made the pages dirty, so what we know of may be durable: an epoch of their own is
  // lost.
  assume_written();
  lose(SyncKind::data, error);
  answer_waiters(answers);
}

// ---- What is known ----

Epoch InodeEpochs::completed() const {
  return in_flight_.empty() ? issued_ : in_flight_.front().previous();
}

bool InodeEpochs::would_elide(SyncKind kind) const {
  const EpochSpan cover = cover_of(kind);
  return !opaque_ && is_durable(kind, cover) && !loss_in(kind, cover);
}

bool InodeEpochs::promised() const {
  return std::any_of(waiters_.begin(), waiters_.end(), [](const Waiter& w) { return w.acknowledged; });
}

bool InodeEpochs::at_rest() const {
  return in_flight_.empty() && waiters_.empty() && !running_;
}

bool InodeEpochs::forgettable() const {
  return at_rest() && !opaque_ && !failure_stands();
}

void InodeEpochs::check_invariants() const {
  SLUICE_CHECK(durable_full_ <= durable_data_);
  SLUICE_CHECK(durable_data_ <= completed());
  SLUICE_CHECK(completed() <= issued_);
  SLUICE_CHECK(last_data_ <= issued_ && emptied_at_ <= last_data_);
  SLUICE_CHECK(!running_ || running_->through <= completed());
  SLUICE_CHECK(!failed_data_.span || failed_data_.span->last <= issued_);
  SLUICE_CHECK(!failed_full_.span || failed_full_.span->last <= issued_);
  SLUICE_CHECK(std::is_sorted(in_flight_.begin(), in_flight_.end()));
  // Those that came first end first. A look at thousands after each event would hold up everybody else.
  constexpr std::size_t kLook = 16;
  for (std::size_t i = 0; i < std::min(kLook, waiters_.size()); ++i) {
    const Waiter& waiter = waiters_[i];
    SLUICE_CHECK(!is_durable(waiter.kind, waiter.cover) && !loss_in(waiter.kind, waiter.cover));
  }
}

// ---- Private ----

EpochSpan InodeEpochs::cover_of(SyncKind kind) const {
  return {emptied_at_, kind == SyncKind::data ? last_data_ : issued_};
}

bool InodeEpochs::is_durable(SyncKind kind, const EpochSpan& cover) const {
  return cover.last <= durable(kind);
}

std::optional<Errno> InodeEpochs::loss_in(SyncKind kind, const EpochSpan& cover) const {
  if (kind == SyncKind::full && failed_full_.span && failed_full_.span->meets(cover))
    return failed_full_.error;
  if (failed_data_.span && failed_data_.span->meets(cover)) return failed_data_.error;
  return std::nullopt;
}

bool InodeEpochs::running_covers(SyncKind kind, Epoch last) const {
  return running_ && last <= running_->through &&
         (running_->kind == SyncKind::full || kind == SyncKind::data);
}

std::optional<SyncKind> InodeEpochs::wanted_kind() const {
  const Epoch ended = completed();
  std::optional<SyncKind> kind;
  for (const Waiter& waiter : waiters_) {
    if (waiter.cover.last > ended) continue;
    if (waiter.kind == SyncKind::full) return SyncKind::full;
    kind = SyncKind::data;
  }
  return kind;
}

void InodeEpochs::promise(SyncKind kind, const EpochSpan& cover, Priority priority) {
  for (Waiter& waiter : waiters_) {
    if (!waiter.acknowledged || waiter.kind != kind || !end_together(waiter.cover.last, cover.last)) continue;
    waiter.cover = cover;
    waiter.priority = std::max(waiter.priority, priority);
    return;
  }
  waiters_.push_back({BarrierId(), kind, cover, priority, true});
}

bool InodeEpochs::end_together(Epoch earlier, Epoch later) const {
  const auto between = [&](Epoch mark) { return earlier <= mark && mark < later; };
  if (between(durable_data_) || (running_ && between(running_->through))) return false;
  return std::none_of(in_flight_.begin(), in_flight_.end(),
                      [&](Epoch epoch) { return between(epoch.previous()); });
}

void InodeEpochs::lose(SyncKind kind, Errno error) {
  const Epoch mark = durable(kind);
  if (mark == issued_) return;  // A full sync failed, and of data nothing was at stake.
  FailedSpan& failed = failures(kind);
  // The hull with an earlier span tells no barrier more than the two would: between them lie only epochs
  // after the last truncation, and whoever covers those covers the earlier span too. One that a truncation
  // has superseded says nothing to anybody any more, and the new span is remembered for longer.
  const bool superseded = !failed.span || failed.span->last < emptied_at_;
  const Epoch first = superseded ? mark.next() : failed.span->first;
  failed = {EpochSpan{first, issued_}, error};
}

void InodeEpochs::erase_healed(SyncKind kind) {
  FailedSpan& failed = failures(kind);
  if (failed.span && failed.span->last < emptied_at_ && emptied_at_ <= durable(kind)) failed = {};
}

void InodeEpochs::answer_waiters(std::vector<BarrierAnswer>& answers) {
  std::erase_if(waiters_, [&](const Waiter& waiter) {
    const std::optional<Errno> error = loss_in(waiter.kind, waiter.cover);
    if (!error && !is_durable(waiter.kind, waiter.cover)) return false;
    // A promise that is lost is told to nobody here: the failed span is what remembers it.
    if (!waiter.acknowledged) answers.push_back({waiter.id, error});
    return true;
  });
  if (waiters_.empty()) waiters_.shrink_to_fit();  // Most inodes have none, and there are many inodes.
}

}  // namespace sluice
