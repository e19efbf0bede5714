#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "control.h"
#include "disk_counters.h"
#include "disk_process.h"
#include "mkfs.h"
#include "sluice/result.h"

namespace sluice::testing {

struct TestDiskSetup {
  /// XFS wants at least 300 MiB. The image has holes: it takes what is written to it.
  std::uint64_t size_bytes = 512ULL << 20U;
  /// Keeps a log of everything that is written and flushed.
  bool record = false;
};

/// A disk of the test's own, for as long as the object lives: sluicefs-testdisk, started and steered from
/// here, and the file system that the test puts on it. Its files are in a directory of their own in TMPDIR
/// (or /tmp). Everything goes with the object, whatever the test did: held flushes are released, the file
/// system is unmounted, lazily when programs still use it. When the test's process is killed, the disk does
/// the same by itself.
///
/// Thread-safe are counts() and log_position().
class TestDisk {
 public:
  /// Throws std::runtime_error when there is no disk to be had. Needs root, /dev/fuse and loop devices.
  explicit TestDisk(TestDiskSetup setup = {});
  ~TestDisk();
  TestDisk(const TestDisk&) = delete;
  TestDisk& operator=(const TestDisk&) = delete;

  /// The block device.
  [[nodiscard]] const std::string& device() const { return process_->device(); }
  /// The process behind it.
  [[nodiscard]] pid_t pid() const { return process_->pid(); }
  /// What the device contains.
  [[nodiscard]] std::filesystem::path image() const { return base_ / "image"; }
  /// The log; there is none unless it was asked for.
  [[nodiscard]] std::filesystem::path log() const { return base_ / "log"; }

  /// The counters, for other processes to map (disk_counters.h).
  [[nodiscard]] std::filesystem::path counters() const { return base_ / "counters"; }

  /// A command of control.h, and the value of its answer.
  Result<std::string> tell(std::string_view command) { return control_->tell(command); }
  /// Without a round trip, so also while the disk is stuck.
  [[nodiscard]] DiskCounts counts() const { return read_counters(counters_->counters()); }
  [[nodiscard]] std::uint64_t log_position() const { return counts().log_position; }

  /// Makes an empty file system without anything left to be done in the background. Throws
  /// std::runtime_error when mkfs fails.
  void make_file_system(FileSystem type);
  /// Mounts it at directory(), with `options` of the file system.
  /// REQUIRES: make_file_system() was called.
  Result<void> mount(const std::string& options = {});
  /// As umount(8): EBUSY while somebody uses it.
  Result<void> unmount() const;
  [[nodiscard]] std::filesystem::path directory() const { return base_ / "mount"; }

 private:
  void start(const TestDiskSetup& setup);
  void remove_files();

  std::filesystem::path base_;
  std::optional<DiskProcess> process_;
  std::optional<ControlClient> control_;
  std::optional<CounterFile> counters_;
  std::optional<FileSystem> file_system_;
};

/// No flush of a disk is answered while this lives. Declare it after whatever waits for the disk when it goes
/// away (a mount, a thread), so that the flushes are released first.
class HeldFlushes {
 public:
  /// Throws std::runtime_error when the disk does not obey.
  explicit HeldFlushes(TestDisk& disk);
  ~HeldFlushes() { release(); }
  HeldFlushes(const HeldFlushes&) = delete;
  HeldFlushes& operator=(const HeldFlushes&) = delete;

  void release() { (void)disk_.tell("release"); }

 private:
  TestDisk& disk_;
};

}  // namespace sluice::testing
