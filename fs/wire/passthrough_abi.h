#pragma once

#include <linux/fuse.h>
#include <sys/ioctl.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

/// Passthrough as linux/fuse.h has it from protocol 7.40 (Linux 6.9) on, for headers that are older. Other
/// names than there, since those are macros in newer headers.
namespace sluicefs::abi {

/// Flag of INIT.
inline constexpr std::uint64_t kPassthrough = 1ULL << 37;
/// Flag of an answer to OPEN, which holds a backing id then. Of the others only DIRECT_IO,
/// PARALLEL_DIRECT_WRITES and NOFLUSH may be beside it (FOPEN_PASSTHROUGH_MASK).
inline constexpr std::uint32_t kOpenPassthrough = 1U << 7;

/// fuse_backing_map
struct BackingMap {
  std::int32_t fd;
  std::uint32_t flags;
  std::uint64_t padding;
};
/// FUSE_DEV_IOC_BACKING_OPEN: returns the backing id. FUSE_DEV_IOC_BACKING_CLOSE: takes one.
inline constexpr unsigned long kBackingOpen = _IOW(229, 1, BackingMap);
inline constexpr unsigned long kBackingClose = _IOW(229, 2, std::uint32_t);

/// How many file systems may be stacked below ours; 1 is a plain one (max_stack_depth).
inline constexpr std::uint32_t kMaxStackDepth = 1;

// Both words have been named since; older headers call them unused and padding.

/// `max_stack_depth` follows `flags2`.
inline void set_max_stack_depth(fuse_init_out& out) {
  constexpr std::size_t kPlace = offsetof(fuse_init_out, flags2) + sizeof out.flags2;
  static_assert(kPlace + sizeof kMaxStackDepth <= sizeof out);
  std::memcpy(reinterpret_cast<char*>(&out) + kPlace, &kMaxStackDepth, sizeof kMaxStackDepth);
}
/// `backing_id` follows `open_flags`.
inline void set_backing_id(fuse_open_out& out, std::int32_t id) {
  constexpr std::size_t kPlace = offsetof(fuse_open_out, open_flags) + sizeof out.open_flags;
  static_assert(kPlace + sizeof id == sizeof out);
  std::memcpy(reinterpret_cast<char*>(&out) + kPlace, &id, sizeof id);
}

}  // namespace sluicefs::abi
