#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>

#include "sluice/result.h"
#include "sluice/unique_fd.h"

namespace sluice::testing {

/// What a test disk did since it started. Lives in a file that other processes map, so reading it costs no
/// round trip and works while the server is stuck. Every field is written by the server alone.
struct DiskCounters {
  std::atomic<std::uint64_t> reads{0};
  std::atomic<std::uint64_t> read_bytes{0};
  std::atomic<std::uint64_t> writes{0};
  std::atomic<std::uint64_t> write_bytes{0};
  std::atomic<std::uint64_t> discards{0};
  std::atomic<std::uint64_t> flushes{0};
  std::atomic<std::uint64_t> failed_flushes{0};
  std::atomic<std::uint64_t> ignored_flushes{0};
  std::atomic<std::uint64_t> held_flushes{0};
  std::atomic<std::uint64_t> log_position{0};
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "the counters are shared between processes");

/// The same as plain numbers, each read once. `flushes` counts what arrived, the failed and the ignored
/// included; `held_flushes` those that wait at the gate now; `log_position` the entries of the log.
struct DiskCounts {
  std::uint64_t reads = 0;
  std::uint64_t read_bytes = 0;
  std::uint64_t writes = 0;
  std::uint64_t write_bytes = 0;
  std::uint64_t discards = 0;
  std::uint64_t flushes = 0;
  std::uint64_t failed_flushes = 0;
  std::uint64_t ignored_flushes = 0;
  std::uint64_t held_flushes = 0;
  std::uint64_t log_position = 0;
};

[[nodiscard]] DiskCounts read_counters(const DiskCounters& counters);

/// A mapping of the counters; the file may be removed while it is mapped.
class CounterFile {
 public:
  /// Makes the file with all counters at zero, for the server. An empty path makes counters without a file.
  static Result<CounterFile> create(const std::filesystem::path& path);
  /// Maps the counters of a running server, for reading.
  static Result<CounterFile> open(const std::filesystem::path& path);

  CounterFile(CounterFile&& other) noexcept;
  CounterFile& operator=(CounterFile&& other) noexcept;
  CounterFile(const CounterFile&) = delete;
  CounterFile& operator=(const CounterFile&) = delete;
  ~CounterFile();

  /// REQUIRES: made by create().
  [[nodiscard]] DiskCounters& writable() { return *counters_; }
  [[nodiscard]] const DiskCounters& counters() const { return *counters_; }

 private:
  explicit CounterFile(DiskCounters* counters) : counters_(counters) {}

  DiskCounters* counters_ = nullptr;
};

}  // namespace sluice::testing
