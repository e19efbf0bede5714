#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "test_disk.h"

namespace sluice::testing {

/// A test on a disk with a mounted file system, and one file on it whose blocks are all there and durable, so
/// that writing over them needs neither a journal nor a new place on the disk. Skipped without root, and when
/// the kernel does not know the file system.
class MountedDiskTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kBlock = 4096;
  static constexpr std::size_t kBlocks = 16;

  /// For SetUp().
  void set_up(FileSystem type);
  void TearDown() override;

  [[nodiscard]] TestDisk& disk() { return *disk_; }
  [[nodiscard]] int file() const { return file_.get(); }
  [[nodiscard]] std::string path(const std::string& name) const { return disk_->directory() / name; }
  /// Fails the test when the disk does not obey.
  void tell(std::string_view command);

  /// Mounts it again with other options, and opens the file again.
  void remount(const std::string& options);
  /// Fills a block of the file; fails the test when that is refused. Nothing is written to the disk yet.
  void overwrite(std::size_t block, char content) const;
  /// Where the disk has a block of the file.
  [[nodiscard]] std::uint64_t offset_on_disk(std::size_t block) const;
  /// What the image has there at its beginning.
  [[nodiscard]] char on_disk(std::size_t block) const;

  /// The error numbers of fdatasync(2) and fsync(2) on the file; 0 for success.
  [[nodiscard]] int fdatasync() const;
  [[nodiscard]] int fsync() const;
  /// How many flushes arrive while `use` runs.
  template <typename Use>
  std::uint64_t flushes_of(Use use) {
    const std::uint64_t before = disk().counts().flushes;
    use();
    return disk().counts().flushes - before;
  }

 private:
  std::unique_ptr<TestDisk> disk_;
  UniqueFd file_;
};

class Ext4DiskTest : public MountedDiskTest {
 protected:
  void SetUp() override { set_up(FileSystem::ext4); }
};

/// Instantiate it with the file systems to test.
class EveryDiskTest : public MountedDiskTest, public ::testing::WithParamInterface<FileSystem> {
 protected:
  void SetUp() override { set_up(GetParam()); }
};

inline std::string name_of_param(const ::testing::TestParamInfo<FileSystem>& info) {
  return name_of(info.param);
}

}  // namespace sluice::testing
