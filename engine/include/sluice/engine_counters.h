#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "sluice/ids.h"

namespace sluice {

/// Latencies in buckets that grow by a quarter of a power of two, so that a percentile is off by at most 25
/// %. Thread-safe; record() is wait-free.
class LatencyHistogram {
 public:
  static constexpr std::size_t kBuckets = 160;

  void record(std::chrono::nanoseconds latency);

  /// A copy of the counts, taken while others record.
  struct Snapshot {
    std::array<std::uint64_t, kBuckets> counts{};
    [[nodiscard]] std::uint64_t total() const;
    /// The upper bound of the bucket that holds the given share (0 to 1) of the latencies; 0 when there are
    /// none.
    [[nodiscard]] std::chrono::nanoseconds percentile(double share) const;
  };
  [[nodiscard]] Snapshot snapshot() const;

 private:
  std::array<std::atomic<std::uint64_t>, kBuckets> counts_{};
};

/// What one engine has done since its start, for one kind of sync.
struct KindCounters {
  std::uint64_t barriers = 0;   ///< asked
  std::uint64_t elided = 0;     ///< answered success at once: durable already
  std::uint64_t accepted = 0;   ///< answered when queued
  std::uint64_t joined = 0;     ///< answered by a sync that served another barrier as well
  std::uint64_t failed = 0;     ///< answered an error
  std::uint64_t cancelled = 0;  ///< answered ECANCELED
  std::uint64_t syncs = 0;      ///< backing syncs made
  std::uint64_t sync_errors = 0;
  LatencyHistogram::Snapshot barrier_latency;
  LatencyHistogram::Snapshot sync_latency;
};

/// Syncs that were made before anybody asked (docs/design.md, sync-ahead).
struct EarlySyncCounts {
  std::uint64_t started = 0;
  std::uint64_t hits = 0;    ///< asked for after all: the barrier found its cover durable or running
  std::uint64_t misses = 0;  ///< changed again or removed before that, or not asked for in a long time
  /// Barriers that needed the device for what had been written before another was answered.
  std::uint64_t late_barriers = 0;
};

struct CountersSnapshot {
  KindCounters data;
  KindCounters full;
  std::uint64_t refused = 0;         ///< requests that found the queue full
  std::uint64_t changed_behind = 0;  ///< elisions given up because statx(2) differed
  EarlySyncCounts early;
};

/// The live counters. Thread-safe; every operation is wait-free.
class EngineCounters {
 public:
  struct Kind {
    std::atomic<std::uint64_t> barriers{0};
    std::atomic<std::uint64_t> elided{0};
    std::atomic<std::uint64_t> accepted{0};
    std::atomic<std::uint64_t> joined{0};
    std::atomic<std::uint64_t> failed{0};
    std::atomic<std::uint64_t> cancelled{0};
    std::atomic<std::uint64_t> syncs{0};
    std::atomic<std::uint64_t> sync_errors{0};
    LatencyHistogram barrier_latency;
    LatencyHistogram sync_latency;
  };

  Kind& of(SyncKind kind) { return kind == SyncKind::data ? data_ : full_; }
  std::atomic<std::uint64_t> refused{0};
  std::atomic<std::uint64_t> changed_behind{0};

  [[nodiscard]] CountersSnapshot snapshot() const;

 private:
  Kind data_;
  Kind full_;
};

}  // namespace sluice
