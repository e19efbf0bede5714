#pragma once

#include "log.h"

namespace sluicefs {

/// Opens /dev/null on those of descriptors 0 to 2 that are closed, so that no other file gets their numbers.
void fill_standard_descriptors();

/// Sets up what threads inherit: as many descriptors as allowed, not to be killed for memory, not to wait in
/// a memory shortage for the write-back that only we can do, no umask. What is not allowed is left as it is.
/// REQUIRES: this is the only thread.
void prepare_process(Log& log);

}  // namespace sluicefs
