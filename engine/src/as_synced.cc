#include "sluice/as_synced.h"

#include <chrono>

namespace sluice {

namespace {

/// Of the slowest kernel, HZ=100.
constexpr std::chrono::milliseconds kLongestTick{10};

std::chrono::nanoseconds since_epoch(const timespec& stamp) {
  return std::chrono::seconds(stamp.tv_sec) + std::chrono::nanoseconds(stamp.tv_nsec);
}

bool same(const timespec& a, const timespec& b) {
  return since_epoch(a) == since_epoch(b);
}

bool differs(SyncKind kind, const Fingerprint& then, const Fingerprint& now) {
  if (then.size != now.size || !same(then.mtime, now.mtime)) return true;
  return kind == SyncKind::full && !same(then.ctime, now.ctime);
}

/// Whether what was stamped so may have happened after `moment`.
bool may_be_later(const timespec& stamp, const timespec& moment) {
  // Some file systems keep whole seconds.
  if (stamp.tv_nsec == 0) return stamp.tv_sec >= moment.tv_sec;
  return since_epoch(stamp) > since_epoch(moment);
}

/// False also when the clock was set back.
bool is_soon_after(const timespec& moment, const timespec& earlier) {
  const auto passed = since_epoch(moment) - since_epoch(earlier);
  return passed >= passed.zero() && passed < kLongestTick;
}

}  // namespace

AsSynced::AsSynced(const IoBackend& backend, int fd, Epoch issued, const AsSynced& before)
    : at_(backend.wall_clock()), issued_(issued) {
  const bool by_clock = before.at_ && is_soon_after(*at_, *before.at_) && backend.stamps_by_wall_clock(fd);
  if (by_clock) {
    if (const Result<off_t> size = backend.size(fd)) size_ = *size;
  } else {
    if (const Result<Fingerprint> now = backend.fingerprint(fd)) fingerprint_ = *now;
  }
}

bool AsSynced::changed(const IoBackend& backend, int fd, Epoch issued, SyncKind kind) const {
  const Result<Fingerprint> now = backend.fingerprint(fd);
  if (!now) return true;
  if (fingerprint_) return differs(kind, *fingerprint_, *now);
  if (!size_ || now->size != *size_) return true;
  const bool was_set_back = since_epoch(backend.wall_clock()) < since_epoch(*at_);
  if (was_set_back || may_be_later(now->mtime, *at_)) return true;
  // Whoever writes can set the time of it back (cp -p), but not that of the change; which metadata have, too.
  const bool is_ours = kind == SyncKind::data && issued != issued_;
  return !is_ours && may_be_later(now->ctime, *at_);
}

}  // namespace sluice
