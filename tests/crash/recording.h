#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "cut_plan.h"
#include "test_disk.h"
#include "workload.h"

namespace sluice::testing {

/// One run of a workload, in a directory: the log of its disk and what the workload noted. Every cut of it
/// can be repeated as long as the directory is there.
struct Recording {
  std::filesystem::path directory;
  /// Whose run, with which seed.
  std::unique_ptr<Workload> workload;
  std::uint64_t seed = 0;
  FileSystem file_system = FileSystem::ext4;
  std::uint64_t disk_bytes = 0;
  /// What the log got while the workload ran.
  LogRange range;
  /// Where the workload ran, from the root of the file system.
  std::filesystem::path tree;

  [[nodiscard]] std::filesystem::path log() const { return directory / "log"; }
  /// Throws std::runtime_error when the directory cannot be written.
  void save() const;
  /// Throws std::runtime_error when `directory` holds no recording.
  static Recording load(const std::filesystem::path& directory);
};

}  // namespace sluice::testing
