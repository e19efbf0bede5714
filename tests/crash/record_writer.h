#pragma once

#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "record.h"
#include "sluice/unique_fd.h"

namespace sluice::testing {

/// What is durable of one file, as of an acknowledgement.
struct FilePromise {
  std::uint32_t file = 0;
  /// The file has one of these names: the last that was made durable, or one that it got later.
  std::vector<std::string> names;
  /// By slot: this version or a later one is there; 0 promises nothing.
  std::vector<std::uint64_t> versions;
};

/// One thread's random steps on files of its own, one file after another. Most steps end with an acknowledged
/// sync, each of the ways to ask for one in turn: fsync, fdatasync, O_DSYNC, msync, a sync by another handle
/// than the one that wrote, fsync of the directory. The others only write, so that a sync has more to cover
/// than what its own step wrote, and the disk something to lose.
class RecordWriter {
 public:
  RecordWriter(std::filesystem::path directory, std::uint32_t first_file, std::uint64_t seed);

  /// Throws std::system_error when a call fails.
  void step();
  /// What the steps so far were promised for the current file.
  [[nodiscard]] FilePromise promise() const;
  /// All names the current file may be found by after a later cut are in promises; a rename adds one before
  /// its sync.
  [[nodiscard]] std::uint32_t file() const { return file_; }

 private:
  void create();
  void overwrite_and_sync();
  void append_and_sync();
  void write_synchronously();
  void write_mapped_and_sync();
  void write_and_sync_elsewhere();
  void rename_and_sync_directory();
  void write_without_sync();

  [[nodiscard]] std::filesystem::path path() const { return directory_ / names_.back(); }
  std::uint32_t random_below(std::uint32_t bound);
  /// By fsync or fdatasync.
  void sync(int fd);
  void everything_is_durable() { durable_versions_ = versions_; }
  void is_durable(std::uint32_t slot);
  /// Writes a new version of `count` slots from `first` on.
  void write_slots(int fd, std::uint32_t first, std::uint32_t count);

  const std::filesystem::path directory_;
  std::mt19937_64 random_;
  std::uint32_t file_;
  UniqueFd fd_;
  std::vector<std::string> names_;
  std::size_t durable_name_ = 0;
  std::vector<std::uint64_t> versions_;          // By slot, the newest written.
  std::vector<std::uint64_t> durable_versions_;  // By slot, the newest synced.
  std::uint64_t last_version_ = 0;
};

}  // namespace sluice::testing
