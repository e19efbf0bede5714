#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "sluice/result.h"

namespace sluicefs {

/// fusermount3, which mounts and unmounts for those who are not root: from $PATH, or else where it is
/// installed.
std::optional<std::string> find_fusermount();

enum class UnmountMode {
  clean,   ///< EBUSY while anybody uses the file system.
  detach,  ///< Takes it out of sight at once; those who use it keep it.
};

/// Unmounts what is on top at `mountpoint`: umount2(2) for root, fusermount3 for others, which does not say
/// why it failed: EBUSY stands for that. EINVAL: nothing is mounted there.
sluice::Result<void> unmount_path(const std::string& mountpoint, UnmountMode mode);

/// Unmounts the file system with that st_dev wherever this mount namespace has it; none left is success.
/// EBUSY, too, when something else is mounted over it.
sluice::Result<void> unmount_device(dev_t device, UnmountMode mode);

}  // namespace sluicefs
