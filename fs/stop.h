#pragma once

#include <sys/types.h>

#include "log.h"
#include "mount.h"
#include "options.h"

namespace sluicefs {

/// Takes the mount with that st_dev away while it is still served, so that the kernel can hand over what it
/// holds: dirty pages of mappings first, then the unmount, which is tried until options.stop_timeout has
/// passed while programs keep the mount busy; then it is detached. Returns when the kernel has ended the
/// connection, or when it was detached.
void take_away(Mount& mount, dev_t device, const Options& options, Log& log);

}  // namespace sluicefs
