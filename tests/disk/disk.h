#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "disk_counters.h"
#include "log_writer.h"
#include "sluice/mutex.h"
#include "sluice/result.h"
#include "sluice/unique_fd.h"

namespace sluice::testing {

struct ByteRange {
  std::uint64_t offset_bytes = 0;
  std::uint64_t length_bytes = 0;
};

enum class FaultOn : std::uint8_t { reads, writes, both };

/// The behaviour of the test disk, without any FUSE: an image, faults, a gate, a delay, a log.
///
/// A flush covers the writes that were done when it arrived, and nothing is promised before it is done. The
/// log says so by its order: writes that come after a flush has arrived are logged *after* it, and the flush
/// is logged when it ends, before it is answered. So everything before a flush's entry is durable once that
/// entry exists.
///
/// Thread-safe. Flushes come one at a time (fuse_fsync() holds the inode, and the loop driver has one flush
/// under way); reads and writes may come at any time.
class Disk {
 public:
  Disk(UniqueFd image, std::optional<LogWriter> log, CounterFile counters);

  Result<void> read(std::uint64_t offset_bytes, std::span<std::byte> data);
  Result<void> write(std::uint64_t offset_bytes, std::span<const std::byte> data);
  /// The range reads as zeros afterwards.
  Result<void> discard(ByteRange range);
  /// A flush has arrived.
  /// REQUIRES: no other flush is under way.
  void begin_flush();
  /// Waits for the delay and the gate, and tells how to answer it.
  /// REQUIRES: it has begun.
  Result<void> finish_flush();

  void set_flush_delay(std::chrono::microseconds delay);
  /// No flush is answered until release_flushes(), those under way included.
  void hold_flushes();
  void release_flushes();
  /// What touches `range` fails with EIO and changes nothing, until clear_faults().
  void fail_range(ByteRange range, FaultOn what);
  /// Lets `skip` more flushes succeed, then fails `count` of them.
  void fail_flushes(std::uint64_t skip, std::uint64_t count);
  void clear_faults();
  /// From now on flushes are acknowledged at once and do nothing.
  void ignore_flushes(bool ignore);
  /// Adds a mark to the log; its position is the entries before and with it. ENODATA without a log.
  Result<std::uint64_t> mark(std::string_view text);
  /// No flush waits any longer, for the gate or the delay; for the end of the disk.
  void stop_waiting();

  [[nodiscard]] DiskCounts counts() const { return read_counters(counters_.counters()); }

 private:
  /// A write, or with no data a discard of `range`.
  struct Change {
    ByteRange range;
    std::vector<std::byte> data;
  };
  struct Fault {
    ByteRange range;
    FaultOn what;
  };

  [[nodiscard]] bool fails(ByteRange range, FaultOn what) const SLUICE_REQUIRES(mutex_);
  [[nodiscard]] bool flush_fails() SLUICE_REQUIRES(mutex_);
  void wait_for_delay_and_gate() SLUICE_REQUIRES(mutex_);
  Result<void> log_change(ByteRange range, std::span<const std::byte> data) SLUICE_REQUIRES(mutex_);
  Result<void> end_flush(Result<void> outcome) SLUICE_REQUIRES(mutex_);
  void publish_position() SLUICE_REQUIRES(mutex_);

  const UniqueFd image_;
  CounterFile counters_;

  Mutex mutex_;
  CondVar changed_;
  std::optional<LogWriter> log_ SLUICE_GUARDED_BY(mutex_);
  std::vector<Fault> faults_ SLUICE_GUARDED_BY(mutex_);
  std::chrono::microseconds flush_delay_ SLUICE_GUARDED_BY(mutex_){0};
  std::uint64_t flushes_to_skip_ SLUICE_GUARDED_BY(mutex_) = 0;
  std::uint64_t flushes_to_fail_ SLUICE_GUARDED_BY(mutex_) = 0;
  bool holding_ SLUICE_GUARDED_BY(mutex_) = false;
  bool ignoring_ SLUICE_GUARDED_BY(mutex_) = false;
  bool stopping_ SLUICE_GUARDED_BY(mutex_) = false;
  bool flushing_ SLUICE_GUARDED_BY(mutex_) = false;
  /// What came while a flush is under way; bounded by what the kernel keeps in flight.
  std::vector<Change> logged_after_flush_ SLUICE_GUARDED_BY(mutex_);
};

}  // namespace sluice::testing
