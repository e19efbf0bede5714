#pragma once

#include <tl/expected.hpp>

#include "mount/options.h"
#include "mount/registry.h"
#include "process/exit_code.h"
#include "sluice/unique_fd.h"

namespace sluicefs {

/// Claims the tree under `source` for a mount on options.mountpoint. One that was unmounted a moment ago has
/// its daemon until everything is durable, so that one is waited for.
tl::expected<Claim, MountError> claim_source(const sluice::UniqueFd& source, const Options& options);

}  // namespace sluicefs
