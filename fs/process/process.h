#pragma once

#include "process/log.h"

namespace sluicefs {

/// Mends what a careless starter leaves: standard descriptors that are closed (another file would get their
/// numbers) are opened on /dev/null, and SIGCHLD is no longer ignored (we could not wait for our children).
void mend_inheritance();

/// Closes all descriptors but the standard ones. A daemon would keep what its starter has, such as a lock of
/// flock(1) or a pipe that somebody reads to its end, for as long as the mount lasts.
void close_inherited_descriptors();

/// Sets up what threads inherit: as many descriptors as allowed, files as large as allowed, not to be killed
/// for memory, not to wait in a memory shortage for the write-back that only we can do, no umask, no working
/// directory that would be kept busy. What is not allowed is left as it is. REQUIRES: this is the only
/// thread, and paths are absolute.
void prepare_process(Log& log);

}  // namespace sluicefs
