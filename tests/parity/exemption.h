#pragma once

#include <string_view>

namespace sluice::testing {

/// Where a mount may differ from the file system below, and why. This list is the whole of it, together with
/// what no test looks at (kNotCompared). A test wraps the calls in Place::exempt(); it fails when they do not
/// differ after all.
struct Exemption {
  std::string_view name;
  std::string_view reason;
};

namespace exemptions {

inline constexpr Exemption kIoctl{"ioctl", "ioctls are refused: none of them is made durable by an epoch"};
inline constexpr Exemption kChownToNobody{
    "chown to nobody",
    "root's chown(-1, -1) leaves setuid bits: the kernel sends what it sends before root's write to a file "
    "with "
    "capabilities (fuse_setattr takes the rest off), which leaves them"};

}  // namespace exemptions

inline constexpr Exemption kNotCompared[] = {
    {"st_dev", "a mount is a device of its own"},
    {"st_ino", "the two directories hold different inodes; their relations are compared where they matter"},
    {"ctime", "it cannot be set; whether a call changes it is compared in tests of its own"},
    {"times since the start of the test", "both sides are shown as \"now\""},
    {"st_blocks", "allocation is delayed; compared after a sync, in tests of its own"},
};

}  // namespace sluice::testing
