#pragma once

#include <cstdint>
#include <string>

#include "sluice/result.h"
#include "sluice/unique_fd.h"

namespace sluicefs {

/// The kernel's persistent name of an inode (name_to_handle_at(2)): finds it again without a descriptor being
/// held open, whatever it is called by then, and tells apart two inodes that had the same number. Empty where
/// the file system has none.
class FileHandle {
 public:
  FileHandle() = default;

  /// The handle of an open file; O_PATH is enough. An empty one when the file system gives none, or nobody
  /// may ask for them here; an error when it would be another time, for an inode must not go by two
  /// identities.
  static sluice::Result<FileHandle> of(int fd);

  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  /// A number that differs, but for chance of 2^-64, between two inodes.
  [[nodiscard]] std::uint64_t digest() const;
  /// Opens the inode anew. `mount` is any descriptor, not O_PATH, on the mount the inode is on. ESTALE: it is
  /// gone. EPERM: the caller lacks CAP_DAC_READ_SEARCH.
  [[nodiscard]] sluice::Result<sluice::UniqueFd> open(int mount, int flags) const;

 private:
  int type_ = 0;
  std::string bytes_;  // Short ones (ext4, XFS) need no allocation.
};

}  // namespace sluicefs
