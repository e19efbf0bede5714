#pragma once

#include <tl/expected.hpp>

#include "exit_code.h"
#include "options.h"
#include "registry.h"
#include "sluice/unique_fd.h"

namespace sluicefs {

/// Claims the tree under `source` for a mount on options.mountpoint. One that was unmounted a moment ago has
/// its daemon until everything is durable, so that one is waited for.
tl::expected<Claim, MountError> claim_source(const sluice::UniqueFd& source, const Options& options);

}  // namespace sluicefs
