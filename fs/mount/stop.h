#pragma once

#include <sys/types.h>

#include "mount/mount.h"
#include "mount/options.h"
#include "process/log.h"
#include "process/signals.h"

namespace sluicefs {

/// Takes the mount with that st_dev away while it is still served, so that the kernel can hand over what it
/// holds: dirty pages of mappings first, then the unmount. While programs keep the mount busy it is tried
/// again, until options.stop_timeout has passed or a second signal asks to stop; then it is detached. Returns
/// when the kernel has ended the connection, or when it was detached.
void take_away(Mount& mount, dev_t device, const Options& options, const Signals& signals, Log& log);

/// Mount::finish(), with a line in the log while the source's disk makes it wait.
StopReport finish(Mount& mount, const Options& options, Log& log);

}  // namespace sluicefs
