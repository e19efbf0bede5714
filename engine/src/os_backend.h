#pragma once

#include "sluice/io_backend.h"

namespace sluice {

/// What backends ask the operating system for at once, in the same manner whichever way they make syncs.
class OsBackend : public IoBackend {
 public:
  [[nodiscard]] Result<Fingerprint> fingerprint(int fd) const final;
  [[nodiscard]] Result<off_t> size(int fd) const final;
  [[nodiscard]] timespec wall_clock() const final;
  /// Known of ext2 to ext4, XFS, Btrfs and tmpfs, those of Linux 6.18 that have multigrain timestamps
  /// (FS_MGTIME).
  [[nodiscard]] bool stamps_by_wall_clock(int fd) const final;
};

}  // namespace sluice
