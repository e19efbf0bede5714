#pragma once

#include <string>
#include <vector>

#include "recording.h"
#include "replay.h"
#include "write_log.h"

namespace sluice::testing {

/// Cuts the power of a recorded disk, as often as wanted: each time the disk is rebuilt in memory, put under
/// a loop device and mounted, which makes its file system recover, and the workload looks for what it was
/// promised. Needs root, and mounts of its own (enter_private_mount_namespace()). Not thread-safe.
class PowerCuts {
 public:
  /// `recording` must outlive this. Throws std::runtime_error when its log cannot be read.
  explicit PowerCuts(const Recording& recording);

  /// What is missing or damaged after `cut`, a line each; also that the file system cannot be mounted.
  /// Throws std::runtime_error when the machine will not do it: no memory, no loop device.
  [[nodiscard]] std::vector<std::string> losses(const PowerCut& cut);

 private:
  [[nodiscard]] std::vector<std::string> losses_in(const std::filesystem::path& tree,
                                                   std::uint64_t position) const;

  const Recording& recording_;
  const WriteLog log_;
  Replayer replayer_;
  const std::filesystem::path mount_point_;
};

}  // namespace sluice::testing
