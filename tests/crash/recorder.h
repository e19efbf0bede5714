#pragma once

#include <functional>
#include <memory>

#include "ops/data_mode.h"
#include "recording.h"
#include "sluice/io_backend.h"

namespace sluice::testing {

/// What to record, honest unless told otherwise.
struct RunSpec {
  /// As make_workload() takes it.
  std::string workload;
  std::uint64_t seed = 1;
  FileSystem file_system = FileSystem::ext4;
  sluicefs::DataMode data = sluicefs::DataMode::tracked;
  /// The disk acknowledges flushes and does nothing.
  bool disk_ignores_flushes = false;
  /// What the mount syncs by; empty for its own choice.
  std::function<std::unique_ptr<IoBackend>()> backend = nullptr;
};

/// A new directory in TMPDIR (or /tmp) that goes with this object, unless it is kept.
class RecordingDirectory {
 public:
  /// Throws std::system_error.
  RecordingDirectory();
  ~RecordingDirectory();
  RecordingDirectory(const RecordingDirectory&) = delete;
  RecordingDirectory& operator=(const RecordingDirectory&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  void keep() { kept_ = true; }

 private:
  std::filesystem::path path_;
  bool kept_ = false;
};

/// Makes a disk with a file system, mounts it, mounts sluicefs on it, runs the workload through that, and
/// takes everything away again; what is left is the recording, saved in `directory`, which is in TMPDIR.
///
/// The mount is in this process: it is the same code as the program's, and a test can give it a backend that
/// lies. REQUIRES: root, and mounts of one's own (enter_private_mount_namespace()). Throws std::exception
/// when the machine will not do it.
[[nodiscard]] Recording record(const RunSpec& spec, const std::filesystem::path& directory);

}  // namespace sluice::testing
