#pragma once

#include <cstddef>
#include <cstdint>

/// The on-disk format of the write log is that of the kernel's dm-log-writes target
/// (Documentation/admin-guide/device-mapper/log-writes.rst, drivers/md/dm-log-writes.c), so that any replayer
/// of that format can read it: a header sector, then per entry one sector of description followed by its
/// data. The text of a mark stands in the entry's own sector. All numbers are little-endian, as on every
/// machine we test on.
namespace sluice::testing::log_format {

inline constexpr std::uint64_t kMagic = 0x6a736677736872ULL;
inline constexpr std::uint64_t kVersion = 1;
inline constexpr std::size_t kSectorBytes = 512;

inline constexpr std::uint64_t kFlush = 1U << 0U;
inline constexpr std::uint64_t kFua = 1U << 1U;
inline constexpr std::uint64_t kDiscard = 1U << 2U;
inline constexpr std::uint64_t kMark = 1U << 3U;

struct Header {
  std::uint64_t magic;
  std::uint64_t version;
  std::uint64_t entries;
  std::uint32_t sector_bytes;
};

struct Entry {
  std::uint64_t sector;
  std::uint64_t sectors;
  std::uint64_t flags;
  /// Bytes of the mark's text; 0 in all other entries.
  std::uint64_t text_bytes;
};

inline constexpr std::size_t kTextBytesMax = kSectorBytes - sizeof(Entry);

}  // namespace sluice::testing::log_format
