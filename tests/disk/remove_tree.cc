#include "remove_tree.h"

#include <ftw.h>

#include <cstdio>

namespace sluice::testing {

void remove_tree(const std::filesystem::path& directory) {
  constexpr int kDescriptorsMax = 16;
  const auto remove = [](const char* path, const struct stat* /*status*/, int /*type*/, FTW* /*place*/) {
    (void)std::remove(path);
    return 0;
  };
  (void)::nftw(directory.c_str(), remove, kDescriptorsMax, FTW_DEPTH | FTW_MOUNT | FTW_PHYS);
}

}  // namespace sluice::testing
