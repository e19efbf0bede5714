#pragma once

#include <cstdint>
#include <span>

#include "ops/core.h"

/// Operations on the bytes of open files. EBADF for a handle that is not open. As in ops_namespace.h, a
/// mutation has ended on return.
namespace sluicefs::ops {

sluice::Result<std::size_t> read(Core& core, std::uint64_t handle, std::span<char> into, off_t offset);

/// Who changes what is in a file: whose share of the space is taken, and what becomes of setuid bits.
struct Writer {
  uid_t uid;
  SetidDuty setid;
};

/// Where a WRITE comes from.
struct WriteOrigin {
  /// The kernel writes back a page that a mapping made dirty: a short write would be lost silently, and an
  /// error reaches nobody but the next fsync.
  bool page_cache;
  /// Its `uid` says nothing of a page of a mapping.
  Writer writer;
  /// The descriptor appends at this moment: O_APPEND comes and goes by fcntl(2).
  bool append;
};
sluice::Result<std::size_t> write(Core& core, std::uint64_t handle, std::span<const char> from, off_t offset,
                                  WriteOrigin origin);

/// fallocate(2) in each of its modes.
sluice::Result<void> allocate(Core& core, const Writer& writer, std::uint64_t handle, int mode, off_t offset,
                              off_t length);
struct FileOffset {
  std::uint64_t handle;
  off_t offset;
};
sluice::Result<std::size_t> copy_range(Core& core, const Writer& writer, FileOffset from, FileOffset to,
                                       std::size_t length);

}  // namespace sluicefs::ops
