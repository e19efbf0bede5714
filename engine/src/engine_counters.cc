#include "sluice/engine_counters.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace sluice {

namespace {

constexpr unsigned kSubBits = 2;  // Four buckets to a power of two.
constexpr std::uint64_t kSubBuckets = 1U << kSubBits;

std::size_t bucket_of(std::uint64_t nanoseconds) {
  if (nanoseconds < kSubBuckets) return nanoseconds;
  const auto exponent = static_cast<unsigned>(std::bit_width(nanoseconds)) - 1 - kSubBits;
  const std::size_t bucket = (exponent << kSubBits) + (nanoseconds >> exponent);
  return std::min(bucket, LatencyHistogram::kBuckets - 1);
}

std::uint64_t upper_bound_of(std::size_t bucket) {
  if (bucket < 2 * kSubBuckets) return bucket;
  const std::size_t exponent = (bucket >> kSubBits) - 1;
  const std::uint64_t mantissa = kSubBuckets + bucket % kSubBuckets;
  return ((mantissa + 1) << exponent) - 1;
}

KindCounters copy(const EngineCounters::Kind& kind) {
  KindCounters out;
  out.barriers = kind.barriers.load(std::memory_order_relaxed);
  out.elided = kind.elided.load(std::memory_order_relaxed);
  out.accepted = kind.accepted.load(std::memory_order_relaxed);
  out.joined = kind.joined.load(std::memory_order_relaxed);
  out.failed = kind.failed.load(std::memory_order_relaxed);
  out.cancelled = kind.cancelled.load(std::memory_order_relaxed);
  out.syncs = kind.syncs.load(std::memory_order_relaxed);
  out.sync_errors = kind.sync_errors.load(std::memory_order_relaxed);
  out.barrier_latency = kind.barrier_latency.snapshot();
  out.sync_latency = kind.sync_latency.snapshot();
  return out;
}

}  // namespace

void LatencyHistogram::record(std::chrono::nanoseconds latency) {
  const auto nanoseconds = static_cast<std::uint64_t>(std::max<std::int64_t>(latency.count(), 0));
  counts_[bucket_of(nanoseconds)].fetch_add(1, std::memory_order_relaxed);
}

LatencyHistogram::Snapshot LatencyHistogram::snapshot() const {
  Snapshot out;
  for (std::size_t i = 0; i < kBuckets; ++i) out.counts[i] = counts_[i].load(std::memory_order_relaxed);
  return out;
}

std::uint64_t LatencyHistogram::Snapshot::total() const {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : counts) sum += count;
  return sum;
}

std::chrono::nanoseconds LatencyHistogram::Snapshot::percentile(double share) const {
  const std::uint64_t all = total();
  if (all == 0) return std::chrono::nanoseconds(0);
  const auto wanted =
      std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(all))));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += counts[i];
    if (seen >= wanted) return std::chrono::nanoseconds(static_cast<std::int64_t>(upper_bound_of(i)));
  }
  return std::chrono::nanoseconds(static_cast<std::int64_t>(upper_bound_of(kBuckets - 1)));
}

CountersSnapshot EngineCounters::snapshot() const {
  CountersSnapshot out;
  out.data = copy(data_);
  out.full = copy(full_);
  out.refused = refused.load(std::memory_order_relaxed);
  out.changed_behind = changed_behind.load(std::memory_order_relaxed);
  return out;
}

}  // namespace sluice
