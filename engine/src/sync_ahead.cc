#include "sync_ahead.h"

#include <algorithm>
#include <limits>

#include "sluice/check.h"

namespace sluice {

namespace {

// Of credit, in units of 1/32.
constexpr std::size_t kUnit = 32;
constexpr std::size_t kOfHit = kUnit / 2;
constexpr std::size_t kOfLateBarrier = 1;

/// Of credit, in times the limit: after a long storm, one that ends halfway must not be the end of it.
constexpr std::size_t kMostCredit = 2;

constexpr std::size_t kFirstDepth = 2;
constexpr std::size_t kNewDepth = 8;
/// So many late barriers without a hit between them: the caller is somewhere else by now.
constexpr int kElsewhere = 4;
constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();
constexpr std::size_t kMaxNeeded = 256;

/// In what order files are asked for is a guess: wait for twice as many barriers as stand before it, and
/// some.
constexpr std::uint64_t patience(std::size_t outstanding) {
  return 2 * outstanding + 16;
}

}  // namespace

SyncAhead::SyncAhead(std::size_t limit) : limit_(limit), credit_(std::min(limit, kFirstCredit) * kUnit) {}

void SyncAhead::late_barrier() {
  ++counts_.late_barriers;
  earn(kOfLateBarrier);
  step();
  // Another caller, or the same one elsewhere: what was right for the last one proves little.
  const bool elsewhere = ++late_in_a_row_ >= kElsewhere && wanted() == 0;
  if (elsewhere || outstanding_.empty()) depth_ = std::min(depth_, kNewDepth);
  if (elsewhere) give_up_until(kAll);
  if (depth_ > 0 || ++seen_ < needed_) return;
  seen_ = 0;
  depth_ = std::min(limit_, kFirstDepth);
}

void SyncAhead::asked(EarlySyncId id) {
  ++counts_.hits;
  if (outstanding_.erase(id) > 0) {
    earn(kOfHit);
    depth_ = std::min(limit_, std::max(kFirstDepth, 2 * depth_));
    needed_ = std::max<std::size_t>(1, needed_ / 4);
  } else {
    // It was taken for a miss too early, but not foreseen either.
    --counts_.misses;
    earn(kUnit);
    needed_ = std::max<std::size_t>(1, needed_ / 2);
  }
  seen_ = 0;
  late_in_a_row_ = 0;
  step();
}

void SyncAhead::in_vain(EarlySyncId id) {
  if (outstanding_.erase(id) == 0) return;  // A miss already.
  ++counts_.misses;
  credit_ -= kUnit;
  missed();
}

void SyncAhead::undone(EarlySyncId id) {
  outstanding_.erase(id);
}

std::size_t SyncAhead::wanted() const {
  const std::size_t most = std::min(depth_, credit_ / kUnit);
  return most > outstanding_.size() ? most - outstanding_.size() : 0;
}

EarlySyncId SyncAhead::start() {
  SLUICE_CHECK(wanted() > 0);
  ++counts_.started;
  const EarlySyncId id(++last_id_);
  outstanding_.emplace_hint(outstanding_.end(), id, steps_ + patience(outstanding_.size()));
  return id;
}

void SyncAhead::not_started(EarlySyncId id) {
  --counts_.started;
  if (outstanding_.erase(id) > 0) return;
  // It was given up meanwhile, as a miss.
  --counts_.misses;
  earn(kUnit);
}

void SyncAhead::check_invariants() const {
  SLUICE_CHECK(outstanding_.size() <= limit_ && depth_ <= limit_);
  SLUICE_CHECK(credit_ <= kMostCredit * limit_ * kUnit && outstanding_.size() * kUnit <= credit_);
  SLUICE_CHECK(needed_ <= kMaxNeeded && seen_ <= needed_);
}

void SyncAhead::step() {
  give_up_until(++steps_);
}

void SyncAhead::give_up_until(std::uint64_t step) {
  bool some = false;
  while (!outstanding_.empty() && outstanding_.begin()->second < step) {
    outstanding_.erase(outstanding_.begin());
    ++counts_.misses;
    credit_ -= kUnit;
    some = true;
  }
  // Those that were guessed together were wrong together.
  if (some) missed();
}

void SyncAhead::missed() {
  if (depth_ == 0) return;
  depth_ /= 2;
  if (depth_ == 0) needed_ = std::min(2 * needed_, kMaxNeeded);
}

void SyncAhead::earn(std::size_t credit) {
  credit_ = std::min(kMostCredit * limit_ * kUnit, credit_ + credit);
}

}  // namespace sluice
