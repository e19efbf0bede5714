#include "source/io_mode.h"

#include <utility>

#include "sluice/check.h"

namespace sluicefs {

using sluice::MutexLock;

IoMode IoModeState::opened(IoMode wanted) {
  const MutexLock lock(mutex_);
  if (opens_ == 0 && !stays_) mode_ = wanted;
  ++opens_;
  return mode_;
}

void IoModeState::closed() {
  const MutexLock lock(mutex_);
  SLUICE_CHECK(opens_ > 0);
  --opens_;
}

IoModeState::SharedBacking IoModeState::backing() const {
  const MutexLock lock(mutex_);
  return backing_.lock();
}

std::optional<IoModeState::Settled> IoModeState::settle(SharedBacking offered, Access access) {
  const MutexLock lock(mutex_);
  SLUICE_CHECK(opens_ > 0);
  if (mode_ == IoMode::tracked) return Settled{};
  Settled settled{backing_.lock()};
  if (!settled.backing) {
    settled.backing = std::move(offered);
    backing_ = settled.backing;
  }
  if (!settled.backing) {
    if (stays_) return std::nullopt;
    mode_ = IoMode::tracked;
    return settled;
  }
  if (access == Access::read) return settled;
  stays_ = true;
  settled.mark_opaque = opaque_marks_ == 0;
  settled.first_to_map = access == Access::read_and_write && !std::exchange(maybe_mapped_, true);
  return settled;
}

void IoModeState::marked_opaque() {
  const MutexLock lock(mutex_);
  SLUICE_CHECK(stays_);
  ++opaque_marks_;
}

unsigned IoModeState::opaque_marks() const {
  const MutexLock lock(mutex_);
  return opaque_marks_;
}

bool IoModeState::in_passthrough() const {
  const MutexLock lock(mutex_);
  return mode_ == IoMode::passthrough && (opens_ > 0 || stays_);
}

bool IoModeState::times_unseen() const {
  const MutexLock lock(mutex_);
  return maybe_mapped_;
}

}  // namespace sluicefs
