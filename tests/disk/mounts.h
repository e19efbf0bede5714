#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace sluice::testing {

/// The mount points of what is mounted from the block device `device`, in this mount namespace, newest first.
std::vector<std::filesystem::path> mounts_of(const std::string& device);
/// Takes them out of the tree at once (MNT_DETACH); each file system goes when its last user does.
void detach_mounts_of(const std::string& device);

/// Gives the calling thread, and those it starts from now on, mounts of its own: what it mounts is seen by no
/// other process and goes with the last of its own, however that ends. What was mounted below TMPDIR (or
/// /tmp), where tests do so, is not taken along. Call it first thing in main() or before threads are started.
/// Needs root.
bool enter_private_mount_namespace();

}  // namespace sluice::testing
