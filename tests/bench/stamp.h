#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::bench {

/// How often a place of a file has been written; rises with each write of the place.
using Version = std::uint32_t;

/// Fills `data`, which is written at `offset_bytes`, so that every word of it says of which version it is.
void stamp(std::span<std::byte> data, std::uint64_t offset_bytes, Version version);

/// True when each whole word of `data` is of `version` or a later one. A write that was under way may have
/// left words of several.
[[nodiscard]] bool is_stamped(std::span<const std::byte> data, std::uint64_t offset_bytes, Version version);

}  // namespace sluice::bench
