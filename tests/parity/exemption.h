#pragma once

#include <string_view>

namespace sluice::testing::parity {

/// Where a mount may differ from the file system below, and why. A test wraps the calls in Place::exempt();
/// it fails when they do not differ after all. This list is the whole of it, together with what is never
/// compared:
///
///   st_dev      a mount is a device of its own
///   st_ino      the two directories hold different inodes; their relations are compared where they matter
///   ctime       it cannot be set; whether a call changes it is compared in tests of its own
///   new times   those since the start of the test are shown as "now"
///   st_blocks   allocation is delayed; compared after a sync, in tests of its own
struct Exemption {
  std::string_view name;
  std::string_view reason;
};

namespace exemptions {

inline constexpr Exemption kIoctl{"ioctl", "ioctls are refused: none of them is made durable by an epoch"};
inline constexpr Exemption kAllocationModes{
    "allocation modes",
    "the kernel's FUSE hands on no mode of fallocate(2) but KEEP_SIZE, PUNCH_HOLE and ZERO_RANGE "
    "(fuse_file_fallocate)"};
inline constexpr Exemption kDirectAlignment{"alignment of direct I/O", "the mount takes any"};
inline constexpr Exemption kDirectStays{"direct I/O that is taken away by fcntl",
                                        "in passthrough the kernel opens the source's file with the flags of "
                                        "the open, which fcntl(2) does not reach "
                                        "(fuse_passthrough_open)"};
inline constexpr Exemption kReadFlags{
    "flags of reads",
    "the kernel's FUSE has neither FMODE_NOWAIT nor FOP_DONTCACHE and refuses what needs them"};
inline constexpr Exemption kChownToNobody{
    "root's chown to nobody",
    "the kernel sends what it sends when root's write drops a file capability, which leaves setuid on"};
inline constexpr Exemption kBirthTime{"time of birth",
                                      "FUSE_STATX came with protocol 7.39; libfuse 3.14 cannot answer it"};
inline constexpr Exemption kFileFlags{"flags in statx",
                                      "FUSE has no place for them (immutable, append-only and others)"};
inline constexpr Exemption kFileSystemType{
    "statfs type", "the kernel answers FUSE_SUPER_MAGIC itself; the C library guesses limits by it"};
inline constexpr Exemption kReadOfDirectory{
    "read of a directory", "the kernel answers EISDIR for every FUSE file system; btrfs says EINVAL"};

inline constexpr Exemption kNoAppend{
    "a write that forgoes appending",
    "the kernel says of the open file that it appends, not of the write that it does not (fuse_write_flags); "
    "to guess it from the offset could overwrite what somebody has appended behind the mount"};

}  // namespace exemptions

}  // namespace sluice::testing::parity
