#pragma once

#include "ops/core.h"
#include "wire/fuse_api.h"

namespace sluicefs {

/// The operations as libfuse calls them: each turns a request into a call of ops::, and its result into the
/// answer. The session's context must be a Core.
const fuse_lowlevel_ops& operations();

}  // namespace sluicefs
