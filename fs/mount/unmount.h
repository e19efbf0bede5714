#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "sluice/result.h"

namespace sluicefs {

enum class UnmountMode {
  clean,   ///< EBUSY while anybody uses the file system.
  detach,  ///< Takes it out of sight at once; those who use it keep it.
};

/// Unmounts what is on top at `mountpoint`: umount2(2) for root, fusermount3 for others, which does not say
/// why it failed: EBUSY stands for that. EINVAL: nothing is mounted there.
sluice::Result<void> unmount_path(const std::string& mountpoint, UnmountMode mode);

/// Unmounts the sluicefs with that st_dev wherever this mount namespace has it; none left is success.
/// EBUSY, too, when something else is mounted over it.
sluice::Result<void> unmount_device(dev_t device, UnmountMode mode);

/// Detaches the mounts of sluicefs at `mountpoint` whose server has ended; there may be several, one from
/// each crash. Gives the sources that they showed. EBUSY: one is left.
sluice::Result<std::vector<std::string>> detach_dead_mounts(const std::string& mountpoint);

}  // namespace sluicefs
