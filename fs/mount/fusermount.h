#pragma once

#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "sluice/unique_fd.h"

namespace sluicefs {

/// fusermount3, which mounts and unmounts for those who are not root: from $PATH, or else where it is
/// installed.
std::optional<std::string> find_fusermount();

/// Mounts by it. `options` are as libfuse has them behind -o. The error is what fusermount3 says, in one line
/// without its name.
tl::expected<sluice::UniqueFd, std::string> fusermount(const std::string& mountpoint,
                                                       const std::vector<std::string>& options);

/// Unmounts by it; `detach`: even while it is busy. The error as above.
tl::expected<void, std::string> fusermount_off(const std::string& mountpoint, bool detach);

}  // namespace sluicefs
