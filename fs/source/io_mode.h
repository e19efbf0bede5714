#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "sluice/mutex.h"

namespace sluicefs {

class BackingFile;

/// How the data of an inode travels.
enum class IoMode : std::uint8_t {
  tracked,      ///< Every write passes the daemon; epochs are exact.
  passthrough,  ///< Data bypasses the daemon (FUSE passthrough); the inode is opaque once it may be written.
};

/// What an open file may do.
enum class Access : std::uint8_t { read, write, read_and_write };

/// The mode of one inode. The kernel has an inode either cached or in passthrough, and answers EIO to an open
/// that says otherwise, or that passes it through to another BackingFile (fuse_file_io_open,
/// fuse_inode_uncached_io_start). So the first open decides, and all that overlap share one BackingFile:
///
///   undecided -- opened(tracked) -----> tracked ------ last closed() --> undecided
///             -- opened(passthrough) -> passthrough -- last closed() --> undecided
///                                                      unless it was open for writing: a mapping outlives
///                                                      the handle, so it stays until the kernel forgets the
///                                                      inode
///             passthrough -- settle() without a BackingFile to be had --> tracked
///
/// What counts as open here holds whatever the kernel has open: an open is counted before its answer leaves,
/// and the kernel ends its own part of one before it sends the RELEASE by which we count it as closed
/// (fuse_file_put calls fuse_file_io_release first). An OPEN whose answer the kernel takes and then fails is
/// followed by a RELEASE (fuse_sync_release); one whose answer it does not take, we close ourselves.
///
/// Each open holds the BackingFile, and this only knows of it, so that it ends with the last of them.
///
/// Invariant: marked opaque only if it stays; a backing file only in passthrough. Thread-safe.
class IoModeState {
 public:
  using SharedBacking = std::shared_ptr<const BackingFile>;

  /// Somebody opens the inode. Returns the mode that this open has: `wanted` if nothing is decided yet. In
  /// passthrough settle() is to follow. closed() ends it.
  IoMode opened(IoMode wanted);
  /// REQUIRES: an opened() that was not closed yet.
  void closed();

  /// The backing file of those who have it open; null when there is none.
  [[nodiscard]] SharedBacking backing() const;

  struct Settled {
    /// Null: this open is tracked after all.
    SharedBacking backing;
    /// The engine has not been told that the inode is opaque, which must happen before the answer leaves:
    /// do, and then call marked_opaque(). More than one open may be told so.
    bool mark_opaque = false;
    /// The first that may map it to write: what the kernel knows of its times is not to be relied on from
    /// now on (times_unseen()).
    bool first_to_map = false;
  };
  /// The second step of an open in passthrough: takes the backing file that is in use or, when there is none,
  /// `offered`. With neither the inode becomes tracked, as long as it was not written in passthrough; none is
  /// returned when it was.
  std::optional<Settled> settle(SharedBacking offered, Access access);
  void marked_opaque();
  /// How often the engine was told, to be taken back as often when the kernel has forgotten the inode.
  [[nodiscard]] unsigned opaque_marks() const;

  [[nodiscard]] bool in_passthrough() const;
  /// A mapping may write at any time, by which times change that the kernel does not ask for.
  [[nodiscard]] bool times_unseen() const;

 private:
  mutable sluice::Mutex mutex_;
  std::size_t opens_ SLUICE_GUARDED_BY(mutex_) = 0;
  IoMode mode_ SLUICE_GUARDED_BY(mutex_) = IoMode::tracked;
  bool stays_ SLUICE_GUARDED_BY(mutex_) = false;
  bool maybe_mapped_ SLUICE_GUARDED_BY(mutex_) = false;
  unsigned opaque_marks_ SLUICE_GUARDED_BY(mutex_) = 0;
  std::weak_ptr<const BackingFile> backing_ SLUICE_GUARDED_BY(mutex_);
};

}  // namespace sluicefs
