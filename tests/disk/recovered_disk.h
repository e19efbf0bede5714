#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "memory_image.h"
#include "sluice/result.h"

namespace sluice::testing {

/// Puts what a power cut left under a loop device and mounts it at `mount_point`, which makes its file system
/// (as mount(2) names it) recover; then calls `look`, and takes all of it away again. The error of mount(2)
/// when it cannot be mounted. Throws std::runtime_error when the machine will not do it, and what `look`
/// throws. Needs root.
Result<void> look_at_recovered_disk(const MemoryImage& disk, const std::string& file_system,
                                    const std::filesystem::path& mount_point,
                                    const std::function<void()>& look);

}  // namespace sluice::testing
