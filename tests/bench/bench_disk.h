#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "mkfs.h"

namespace sluice::bench {

/// What the file system under all contenders is on.
struct DiskChoice {
  enum class Kind : std::uint8_t {
    /// A loop device over a file, all of whose blocks are there, on the machine's own disk.
    as_is,
    /// A test disk in memory or in TMPDIR whose flushes take a while.
    slow,
    /// None: a directory that is there, as it is.
    directory,
  };
  Kind kind = Kind::as_is;
  std::chrono::microseconds flush_delay{0};
  testing::FileSystem file_system = testing::FileSystem::ext4;
  /// Where the file of the loop device is made; for Kind::directory the directory itself.
  std::filesystem::path directory = {};
  std::uint64_t size_bytes = 1ULL << 30U;
};

/// "as-is", "slow:MICROSECONDS" or "directory", into `choice`. Throws std::runtime_error for anything else.
void parse_disk(const std::string& text, DiskChoice& choice);

/// A mounted file system of the benchmark's own; gone with the object.
class BenchDisk {
 public:
  BenchDisk() = default;
  virtual ~BenchDisk() = default;
  BenchDisk(const BenchDisk&) = delete;
  BenchDisk& operator=(const BenchDisk&) = delete;

  [[nodiscard]] virtual std::filesystem::path directory() const = 0;
  /// As DiskGauge takes it.
  [[nodiscard]] virtual std::string gauge() const = 0;
};

/// Throws std::exception when it cannot be had. Needs root.
[[nodiscard]] std::unique_ptr<BenchDisk> make_disk(const DiskChoice& choice);

}  // namespace sluice::bench
