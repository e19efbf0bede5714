#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace sluice::testing {

inline constexpr std::size_t kRecordBytes = 512;

/// One sector that says of itself what it is. A disk tears writes between sectors and nowhere else (the crash
/// model in tests/disk/replay.h), so a record is found whole or not at all.
struct Record {
  std::uint32_t file = 0;
  std::uint32_t slot = 0;
  std::uint64_t version = 0;

  friend bool operator==(const Record&, const Record&) = default;
};

using RecordBytes = std::array<std::byte, kRecordBytes>;

[[nodiscard]] RecordBytes encode(const Record& record);
/// None when the bytes are no record, or a damaged one.
[[nodiscard]] std::optional<Record> decode(std::span<const std::byte> bytes);

}  // namespace sluice::testing
