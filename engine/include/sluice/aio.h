/* The asynchronous syncs, reads and writes of libsluice for C and C++, in the two shapes that programs know:
 * POSIX AIO's and libaio's. Requests of both are of one process and one queue. sluice/aio_context.h is the
 * C++ API under them. docs/contract.md says what a queued sync promises.
 */
#pragma once

#include "sluice/aio_libaio.h"
#include "sluice/aio_posix.h"
