#pragma once

#include <optional>

#include "sluice/io_backend.h"

namespace sluice {

/// What the backends that ask the operating system share.

/// fsync(2) or fdatasync(2), by `kind`. Returns 0 or the error number.
int sync_file(int fd, SyncKind kind);

/// What a call that returned `error` (0: success) has done.
IoCompletion completion_of(IoToken token, int error);

/// The error as a caller may be told it: EIO for ENOSYS, which to a FUSE kernel would mean that there is no
/// fsync at all (fuse_fsync).
Errno answerable(Errno error);

/// The error of a write-back that this open file has not been told of yet; it has been told then. Asks
/// neither the device nor for pages that are being written (file_fdatawait_range).
std::optional<Errno> take_unreported_error(int fd);

/// Asks statx(2).
Result<Fingerprint> fingerprint_of(int fd);

}  // namespace sluice
