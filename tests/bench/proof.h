#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "contender.h"
#include "interrupt.h"
#include "mkfs.h"

namespace sluice::bench {

struct Work;

/// What power cuts said of a contender's word.
struct Proof {
  /// How many cuts were made, and how many acknowledged places they looked for, all together.
  unsigned cuts = 0;
  std::size_t facts = 0;
  /// What was acknowledged and is not there, a line each.
  std::vector<std::string> losses = {};
};

/// Runs the work once more, briefly, on a disk that records, and cuts the power of the recording `cuts` times
/// at moments when something had just been acknowledged. Of what the disk had not been asked to flush nothing
/// is left (tests/disk/replay.h), so that whatever was acknowledged without a flush is found missing.
/// `scratch` is a directory for mount points. Needs root and mounts of one's own. Throws std::exception when
/// it cannot be done; a work that acknowledged nothing is such a case.
[[nodiscard]] Proof prove(const Work& work, const Contender& contender, testing::FileSystem file_system,
                          unsigned cuts, const std::filesystem::path& scratch, const Interrupt& interrupt);

}  // namespace sluice::bench
