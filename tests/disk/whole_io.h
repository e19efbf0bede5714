#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "sluice/result.h"

namespace sluice::testing {

/// pwrite(2) of everything, over short writes and EINTR.
Result<void> write_whole(int fd, std::span<const std::byte> data, std::uint64_t offset_bytes);
/// pread(2) of everything; what lies behind the end of the file reads as zeros.
Result<void> read_whole(int fd, std::span<std::byte> data, std::uint64_t offset_bytes);

}  // namespace sluice::testing
