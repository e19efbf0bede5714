#pragma once

#include "sluice/result.h"
#include "sluice/unique_fd.h"

namespace sluice::testing {

/// A FUSE mount that is in no directory. It goes with the last descriptor that is open in it.
struct DetachedFuseMount {
  /// /dev/fuse, to serve on.
  UniqueFd device;
  /// The root directory. Everything under it waits until somebody serves.
  UniqueFd root;

  static Result<DetachedFuseMount> make();
};

}  // namespace sluice::testing
