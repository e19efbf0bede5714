#pragma once

#include <filesystem>

namespace sluice::bench {

/// A new directory that goes with the object, but for mounts in it.
class ScratchDirectory {
 public:
  /// Throws std::system_error.
  explicit ScratchDirectory(const std::filesystem::path& parent);
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace sluice::bench
