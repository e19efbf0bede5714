#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "disk_counters.h"

namespace sluice::bench {

/// Counts what reaches a device, from any process.
class DiskGauge {
 public:
  /// "counters:FILE" of a test disk, "device:NAME" of a block device of the kernel's, or nothing, for a gauge
  /// that stands at zero. Throws std::runtime_error when there is no such thing.
  explicit DiskGauge(const std::string& place);

  [[nodiscard]] std::uint64_t flushes() const;
  [[nodiscard]] std::uint64_t written_bytes() const;
  /// Of a test disk that records; else 0.
  [[nodiscard]] std::uint64_t log_position() const;

 private:
  /// A field of the device's statistics, from 1; 0 when there is none.
  [[nodiscard]] std::uint64_t field(int number) const;

  std::optional<testing::CounterFile> counters_;
  std::string device_statistics_;
};

}  // namespace sluice::bench
