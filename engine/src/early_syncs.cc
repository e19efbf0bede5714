#include "early_syncs.h"

#include <utility>

#include "epoch_table.h"

namespace sluice {

namespace {

AheadNews news_of(EpochEntry& entry, AheadNews::What what) {
  const EarlySyncId id = std::exchange(entry.early, EarlySyncId());
  return id.valid() ? AheadNews{what, id} : AheadNews{};
}

}  // namespace

AheadNews EarlySyncs::mutated(EpochEntry& entry, MutationClass mutation_class) const {
  // After a change of metadata alone, an fdatasync is still served by what was synced before.
  if (!on_ || mutation_class == MutationClass::metadata) return {};
  entry.written_at = clock_.now();
  return news_of(entry, AheadNews::What::in_vain);
}

AheadNews EarlySyncs::removed(EpochEntry& entry) const {
  return news_of(entry, AheadNews::What::in_vain);
}

AheadNews EarlySyncs::received(EpochEntry& entry, Reception reception, BarrierTime& arrival) {
  if (!on()) return {};
  AheadNews news;
  if (entry.early.valid()) {
    const bool served = reception != Reception::waiting;
    news = news_of(entry, served ? AheadNews::What::asked : AheadNews::What::in_vain);
    if (reception == Reception::failed) news.what = AheadNews::What::undone;
  } else if (reception == Reception::waiting && !entry.epochs.opaque() && !entry.epochs.data_at_rest() &&
             clock_.answered_since(entry.written_at)) {
    // When an opaque inode was written last, nobody knows.
    news.what = AheadNews::What::late_barrier;
  }
  // An answer for which nobody had to do anything says nothing about callers' manners.
  if (news.what != AheadNews::What::nothing || reception == Reception::waiting) arrival = clock_.arrive();
  return news;
}

AheadNews EarlySyncs::failed(EpochEntry& entry, EarlySyncId id) const {
  if (!id.valid() || entry.early != id) return {};
  return news_of(entry, AheadNews::What::undone);
}

bool EarlySyncs::suits(const EpochEntry& entry) const {
  const InodeEpochs& epochs = entry.epochs;
  if (epochs.opaque() || epochs.removed()) return false;
  if (epochs.failed(SyncKind::data) || epochs.failed(SyncKind::full)) return false;
  // A program that is about to write or to sync it does not need us. Of what changed in metadata only, as
  // by the rename of a file that was synced, mostly nobody asks for a sync.
  if (epochs.sync_running() || epochs.awaited() || entry.early.valid()) return false;
  if (epochs.data_at_rest() || epochs.completed() != epochs.issued()) return false;
  return clock_.answered_since(entry.written_at);
}

bool EarlySyncs::tell(const AheadNews& news) {
  if (news.what == AheadNews::What::nothing) return false;
  const MutexLock lock(mutex_);
  switch (news.what) {
    case AheadNews::What::nothing:
      break;
    case AheadNews::What::late_barrier:
      policy_.late_barrier();
      break;
    case AheadNews::What::asked:
      policy_.asked(news.id);
      break;
    case AheadNews::What::in_vain:
      policy_.in_vain(news.id);
      break;
    case AheadNews::What::undone:
      policy_.undone(news.id);
      break;
  }
  policy_.check_invariants();
  return policy_.wanted() > 0;
}

std::optional<EarlySyncId> EarlySyncs::start() {
  if (!on()) return std::nullopt;
  const MutexLock lock(mutex_);
  if (policy_.wanted() == 0) return std::nullopt;
  return policy_.start();
}

void EarlySyncs::not_started(EarlySyncId id) {
  const MutexLock lock(mutex_);
  policy_.not_started(id);
}

EarlySyncCounts EarlySyncs::counts() const {
  const MutexLock lock(mutex_);
  return policy_.counts();
}

}  // namespace sluice
