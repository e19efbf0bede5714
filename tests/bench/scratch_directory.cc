#include "scratch_directory.h"

#include <stdlib.h>

#include "file_calls.h"
#include "remove_tree.h"

namespace sluice::bench {

ScratchDirectory::ScratchDirectory(const std::filesystem::path& parent) {
  std::string pattern = parent / "sluicefs-bench-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) throw_errno(pattern);
  path_ = pattern;
}

ScratchDirectory::~ScratchDirectory() {
  testing::remove_tree(path_);
}

}  // namespace sluice::bench
