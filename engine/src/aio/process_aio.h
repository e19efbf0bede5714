#pragma once

#include "sluice/aio_context.h"
#include "sluice/result.h"

namespace sluice {

/// The context that all C interfaces of this process share, since a sync must cover what was queued through
/// any of them. It is made when it is first asked for; lives as long as the process, so that requests that
/// are outstanding at exit(3) meet no destructors; and is the one piece of state that belongs to the process
/// (the C interfaces have nowhere else to keep it). Thread-safe.
///
/// ENOSYS: io_uring was demanded and is not to be had. EAGAIN: there can be no thread. EINVAL: a limit is out
/// of its range.
Result<AioContext*> process_aio();

/// What the context is to be made with, instead of what the environment says. EBUSY: there is one already.
Result<void> set_process_aio_options(const AioOptions& options);
[[nodiscard]] AioOptions process_aio_options();

}  // namespace sluice
