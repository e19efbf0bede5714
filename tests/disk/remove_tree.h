#pragma once

#include <filesystem>

namespace sluice::testing {

/// Removes a directory and what is in it, as far as that goes, but nothing on other file systems: a mount
/// that is still there keeps its files.
void remove_tree(const std::filesystem::path& directory);

}  // namespace sluice::testing
