#pragma once

#include <cstdint>

#include "ops/core.h"

namespace sluicefs::ops {

/// SEEK_DATA and SEEK_HOLE; the kernel does the others itself. The source does not know yet what a mapping
/// has put into a hole, and the kernel does not look before it asks (fuse_lseek), so those pages are fetched
/// first. Where that cannot be done, all up to the end is said to be data, which is never wrong.
sluice::Result<off_t> seek(Core& core, std::uint64_t handle, off_t offset, int whence);

}  // namespace sluicefs::ops
