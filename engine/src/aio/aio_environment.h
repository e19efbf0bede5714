#pragma once

#include "sluice/aio_context.h"

namespace sluice {

/// What the environment of the process asks of its C interfaces, for programs that know nothing of us:
///   SLUICE_AIO_BACKEND       auto, io_uring or threads
///   SLUICE_AIO_MAX_REQUESTS  a number above 0
///   SLUICE_AIO_PRIORITY      1: requests that wait are started by priority (clause B2); 0: they are not
struct AioEnvironment {
  AioOptions options;
  bool use_priority = false;
};

/// As it is now. A value that is none of the above is named on stderr, and the default is used: the program
/// does not know of it and should not die of it. A program with more rights than its user (secure_getenv(3))
/// gets the defaults. Not thread-safe: setenv(3) may not be under way.
AioEnvironment read_aio_environment();

/// As it was when the program was loaded. Thread-safe.
const AioEnvironment& aio_environment();

}  // namespace sluice
