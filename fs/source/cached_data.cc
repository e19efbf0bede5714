#include "source/cached_data.h"

#include "sluice/check.h"

namespace sluicefs {

using sluice::MutexLock;

bool CachedData::opened(bool for_writing) {
  const MutexLock lock(mutex_);
  if (for_writing && dropping_) return false;
  ++opens_;
  if (for_writing) ++writers_;
  check_invariants();
  return true;
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

CachedData::Look CachedData::look(std::time_t now_s) const {
  const MutexLock lock(mutex_);
  return {ongoing_ == 0 ? std::optional(changes_) : std::nullopt, now_s};
}

void CachedData::found(const struct stat& attributes, const Look& look) {
  const Version version = version_of(attributes);
  const MutexLock lock(mutex_);
  const bool is_new = version != known_;
  if (known_ && is_new) stale_ = true;
  if (look.changes != changes_ || ongoing_ > 0) return;
  const bool is_young = look.at_s - version.mtime_s < kUnsettledS;
  if (is_new) {
    // Ours is whole: its system call has ended.
    const bool is_ours = changes_ != changes_known_;
    unsettled_ = is_young && !is_ours;
  } else if (unsettled_ && !is_young) {
    unsettled_ = false;
    stale_ = true;
  }
  known_ = version;
  changes_known_ = changes_;
  check_invariants();
}

void CachedData::made(const struct stat& attributes) {
  const MutexLock lock(mutex_);
  known_ = version_of(attributes);
}

bool CachedData::begin_drop() {
  const MutexLock lock(mutex_);
  if (!stale_ || writers_ > 0 || dropping_) return false;
  stale_ = false;
  dropping_ = true;
  check_invariants();
  return true;
}

void CachedData::end_drop(bool done) {
  {
    const MutexLock lock(mutex_);
    SLUICE_CHECK(dropping_);
    if (!done) stale_ = true;
    check_invariants();
    dropping_ = false;
  }
  dropping_.notify_all();
}

CachedData::Version CachedData::version_of(const struct stat& attributes) {
  return {attributes.st_mtim.tv_sec, attributes.st_mtim.tv_nsec, attributes.st_size};
}

void CachedData::check_invariants() const {
  SLUICE_CHECK(writers_ <= opens_);
  SLUICE_CHECK(!dropping_ || writers_ == 0);
  SLUICE_CHECK(changes_known_ <= changes_);
}

}  // namespace sluicefs
