#pragma once

#include <sys/types.h>

#include <cstddef>

#include "sluice/io_backend.h"

namespace sluice {

/// What the kernel moves in one call at most (MAX_RW_COUNT, see read(2)).
inline constexpr std::size_t kMaxTransferBytes = 0x7ffff000;

/// pread(2) or pwrite(2), by its kind. Returns the number of bytes, or the error number negated.
ssize_t transfer_bytes(const Transfer& transfer);

/// What a call that returned `result` has done, in the manner of io_uring: bytes, or an error number negated.
/// A sync returns 0.
IoCompletion completion_of_transfer(IoToken token, ssize_t result);

}  // namespace sluice
