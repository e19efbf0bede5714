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

/// As it was when this was called first. A value that is none of the above is named on stderr, once, and the
/// default is used: the program does not know of it and should not die of it. A program with more rights than
/// its user (secure_getenv(3)) gets the defaults. Thread-safe.
const AioEnvironment& aio_environment();

}  // namespace sluice
