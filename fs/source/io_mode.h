#pragma once

#include <cstddef>
#include <cstdint>

#include "sluice/mutex.h"

namespace sluicefs {

/// How the data of an inode travels.
enum class IoMode : std::uint8_t {
  tracked,      ///< Every write passes the daemon; epochs are exact.
  passthrough,  ///< Data bypasses the daemon (FUSE passthrough); the inode is opaque to the engine.
};

/// The mode of one inode. The kernel has an inode either cached or in passthrough, and answers EIO to an open
/// that says otherwise (fuse_file_cached_io_open, fuse_file_uncached_io_start), so the first open decides:
///
///   undecided -- opened(tracked) -----> tracked ------ last closed() --> undecided
///             -- opened(passthrough) -> passthrough -- last closed() --> undecided
///                                                      unless it was open for writing: a mapping outlives
///                                                      the handle, so it stays until the kernel forgets the
///                                                      inode
///
/// Thread-safe.
class IoModeState {
 public:
  /// Somebody opens the inode. Returns the mode that this open must have: `wanted` if nothing is decided yet.
  IoMode opened(IoMode wanted, bool for_writing) {
    const sluice::MutexLock lock(mutex_);
    if (opens_ == 0 && !stays_) mode_ = wanted;
    ++opens_;
    stays_ = stays_ || (mode_ == IoMode::passthrough && for_writing);
    return mode_;
  }
  /// REQUIRES: an opened() that was not closed yet.
  void closed() {
    const sluice::MutexLock lock(mutex_);
    --opens_;
  }

 private:
  sluice::Mutex mutex_;
  std::size_t opens_ SLUICE_GUARDED_BY(mutex_) = 0;
  IoMode mode_ SLUICE_GUARDED_BY(mutex_) = IoMode::tracked;
  bool stays_ SLUICE_GUARDED_BY(mutex_) = false;
};

}  // namespace sluicefs
