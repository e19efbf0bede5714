#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "disk.h"
#include "raw_log.h"

namespace sluice::testing {

/// A Disk without a server, in a directory of its own that goes with it.
class BareDisk {
 public:
  static constexpr std::size_t kSector = 512;

  /// Throws std::runtime_error when it cannot be made.
  BareDisk();
  ~BareDisk();
  BareDisk(const BareDisk&) = delete;
  BareDisk& operator=(const BareDisk&) = delete;

  Disk* operator->() { return disk_.get(); }
  Disk& operator*() { return *disk_; }

  /// Writes a sector full of `content`; the error number, 0 for success.
  int write(std::uint64_t sector, char content);
  /// What the sector begins with; the test fails when it cannot be read.
  char read(std::uint64_t sector);
  /// A flush from its arrival to its answer; the error number, 0 for success.
  int flush();
  [[nodiscard]] RawLog log() const { return RawLog::read(directory_ / "log"); }
  [[nodiscard]] std::filesystem::path counters() const { return directory_ / "counters"; }

 private:
  std::filesystem::path directory_;
  std::unique_ptr<Disk> disk_;
};

/// The entry of the log that BareDisk::write() leaves.
RawLog::Entry write_entry(std::uint64_t sector, char content);
inline const RawLog::Entry kFlushEntry{.sector = 0, .sectors = 0, .flags = kRawFlush, .content = {}};

}  // namespace sluice::testing
