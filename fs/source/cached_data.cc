#include "source/cached_data.h"

#include "sluice/check.h"

namespace sluicefs {

using sluice::MutexLock;

void CachedData::opened(bool for_writing) {
  const MutexLock lock(mutex_);
  ++opens_;
  if (for_writing) ++writers_;
  check_invariants();
}

void CachedData::closed(bool for_writing) {
  const MutexLock lock(mutex_);
  SLUICE_CHECK(opens_ > 0 && (!for_writing || writers_ > 0));
  --opens_;
  if (for_writing) --writers_;
  check_invariants();
}

bool CachedData::is_open() const {
  const MutexLock lock(mutex_);
  return opens_ > 0;
}

void CachedData::own_change_began() {
  const MutexLock lock(mutex_);
  ++ongoing_;
}

void CachedData::own_change_ended() {
  const MutexLock lock(mutex_);
  SLUICE_CHECK(ongoing_ > 0);
  --ongoing_;
  ++changes_;
  check_invariants();
}

CachedData::Look CachedData::look() const {
  const MutexLock lock(mutex_);
  return ongoing_ == 0 ? Look(changes_) : std::nullopt;
}

void CachedData::found(const struct stat& attributes, const Look& look) {
  const Version version{attributes.st_mtim.tv_sec, attributes.st_mtim.tv_nsec, attributes.st_size};
  const MutexLock lock(mutex_);
  const bool undisturbed = look && *look == changes_ && ongoing_ == 0;
  if (known_ && version != *known_) {
    const bool ours = !undisturbed || changes_ != changes_known_;
    (ours ? mixed_ : foreign_) = true;
  }
  if (!undisturbed) return;
  known_ = version;
  changes_known_ = changes_;
  check_invariants();
}

bool CachedData::take_stale() {
  const MutexLock lock(mutex_);
  if (!foreign_ && (!mixed_ || writers_ > 0)) return false;
  foreign_ = false;
  mixed_ = false;
  return true;
}

void CachedData::put_stale() {
  const MutexLock lock(mutex_);
  foreign_ = true;
}

void CachedData::check_invariants() const {
  SLUICE_CHECK(writers_ <= opens_);
  SLUICE_CHECK(changes_known_ <= changes_);
}

}  // namespace sluicefs
