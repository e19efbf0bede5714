#pragma once

#include <sys/types.h>

#include <ctime>
#include <optional>

#include "sluice/io_backend.h"

namespace sluice {

/// What a file was like when a sync of it was submitted, by which a later barrier tells whether somebody who
/// does not pass us has changed it since (docs/design.md, rule 7).
///
/// To ask for its time stamps has a price: Linux (6.13 and later, multigrain timestamps) then gives the next
/// change a stamp of its own, and where fsync(2) would have found the inode as the last one left it, it has a
/// journal to commit. Natively all changes within a tick of the clock share a stamp, so syncs that follow one
/// another closely would each cost a commit more. These go by the size and the clock instead: what is stamped
/// no later than the sync began was there before it. What is missed so, beyond what the stamps would miss, is
/// a change that leaves the size and comes within a tick of the sync, or while a clock that was set back has
/// not caught up and nobody syncs; and to an fdatasync one whose time of writing was set back, if metadata
/// were changed through us meanwhile.
class AsSynced {
 public:
  /// Nothing is known.
  AsSynced() = default;
  /// Looks now. `issued`: the last epoch. `before`: what the last sync saw.
  AsSynced(const IoBackend& backend, int fd, Epoch issued, const AsSynced& before);

  /// True when the file was changed, or may have been, in a way that matters to such a sync.
  /// `issued`: the last epoch by now, of which those since are none of the kind's business.
  [[nodiscard]] bool changed(const IoBackend& backend, int fd, Epoch issued, SyncKind kind) const;

 private:
  std::optional<timespec> at_;
  Epoch issued_;
  /// One of them, or none when statx(2) failed: the stamps as well, or what does without them.
  std::optional<Fingerprint> fingerprint_;
  std::optional<off_t> size_;
};

}  // namespace sluice
