#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::testing {

enum class FileSystem : std::uint8_t { ext4, xfs, btrfs };

/// "ext4", as mount(8) and mkfs(8) say it.
std::string name_of(FileSystem type);
/// Throws std::runtime_error for a name that is none.
[[nodiscard]] FileSystem file_system_from(const std::string& name);

/// Makes an empty file system on a block device, without anything left to be done in the background. Throws
/// std::runtime_error when mkfs fails.
void make_file_system_on(const std::string& device, FileSystem type);

}  // namespace sluice::testing
