#pragma once

#include <cstdint>
#include <string>

#include "sluice/unique_fd.h"

namespace sluice::testing {

/// A small ext4 on a loop device over a sparse image on a tmpfs, mounted in the mount namespace of the test
/// and gone with it, or with the object.
class LoopFileSystem {
 public:
  /// Below the directory `base`. A tmpfs smaller than the image makes late writes fail, as a thin disk does.
  LoopFileSystem(const std::string& base, std::uint64_t image_mib, std::uint64_t tmpfs_mib);
  ~LoopFileSystem();
  LoopFileSystem(const LoopFileSystem&) = delete;
  LoopFileSystem& operator=(const LoopFileSystem&) = delete;

  [[nodiscard]] const std::string& directory() const { return directory_; }

 private:
  const std::string tmpfs_;
  const std::string directory_;
};

/// While it lives, what would write to the file system waits.
class Frozen {
 public:
  explicit Frozen(const LoopFileSystem& file_system);
  ~Frozen() { thaw(); }
  Frozen(const Frozen&) = delete;
  Frozen& operator=(const Frozen&) = delete;

  void thaw();

 private:
  UniqueFd directory_;
};

}  // namespace sluice::testing
