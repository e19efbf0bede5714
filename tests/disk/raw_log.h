#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace sluice::testing {

/// A write log as a second pair of eyes reads it: from the description of the kernel's dm-log-writes, byte by
/// byte, sharing nothing with the writer.
struct RawLog {
  struct Entry {
    std::uint64_t sector = 0;
    std::uint64_t sectors = 0;
    std::uint64_t flags = 0;
    /// The data of a write, the text of a mark.
    std::string content;

    friend bool operator==(const Entry&, const Entry&) = default;
  };

  std::uint64_t magic = 0;
  std::uint64_t version = 0;
  std::uint64_t sector_bytes = 0;
  /// What the header says there is.
  std::vector<Entry> entries;
  /// Bytes of the file that no entry accounts for; negative when some are missing.
  std::int64_t bytes_left = 0;

  static RawLog read(const std::filesystem::path& path);
};

inline constexpr std::uint64_t kRawFlush = 1;
inline constexpr std::uint64_t kRawDiscard = 4;
inline constexpr std::uint64_t kRawMark = 8;

std::ostream& operator<<(std::ostream& out, const RawLog::Entry& entry);

}  // namespace sluice::testing
