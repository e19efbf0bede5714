#pragma once

#include <memory>
#include <string>

#include "mount_fixture.h"
#include "test_disk.h"

namespace sluice::testing::parity {

/// A file system on a loop device with a sluicefs on one of its directories, and beside it another directory
/// that nothing is mounted on. For all tests of one process: made once, gone with the object.
class Scene {
 public:
  /// Below the directory `base`; throws when it cannot be made. REQUIRES: enter_private_mount_namespace().
  Scene(FileSystem type, const std::string& base);
  ~Scene();
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  [[nodiscard]] FileSystem type() const { return type_; }
  /// Where the file system itself is mounted.
  [[nodiscard]] const std::string& file_system() const { return file_system_; }
  [[nodiscard]] MountFixture& mount() const { return *mount_; }
  [[nodiscard]] std::string bare() const { return file_system_ + "/bare"; }

 private:
  const FileSystem type_;
  const std::string image_;
  const std::string file_system_;
  std::unique_ptr<MountFixture> mount_;
};

}  // namespace sluice::testing::parity
