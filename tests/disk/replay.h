#pragma once

#include <cstdint>
#include <random>

#include "memory_image.h"
#include "sluice/result.h"
#include "write_log.h"

/// What a power cut does to a disk: the crash model of all tests.
///
/// The log holds writes, discards and flushes in the order in which they completed. The power goes at a
/// position of the log: the entries before it happened, those behind it did not.
///
/// Kept:     everything before the last flush that completed before the cut, and every write with FUA.
/// At risk:  every write and discard after that flush. Each may be lost, kept or torn, on its own and
///           whatever the order in which they were made: a later one may survive an earlier one.
/// Torn:     between sectors of 512 bytes. Any of the sectors of a torn write may be there, and each has
///           either its old or its new content, whole. A torn discard leaves zeros in some sectors.
///
/// Out of the model: sectors that are half written or unreadable, writes that land elsewhere, damage to
/// sectors that nobody wrote, and disks that reorder across a flush. (A disk that ignores flushes writes none
/// into its log, so that everything is at risk.)
namespace sluice::testing {

/// What becomes of the writes at risk.
enum class AtRisk : std::uint8_t {
  lost,  ///< All of them.
  kept,  ///< All of them are there: the prefix of the log up to the cut.
  some,  ///< Each by lot, from PowerCut::seed.
};

struct PowerCut {
  std::uint64_t position = 0;
  AtRisk at_risk = AtRisk::kept;
  std::uint64_t seed = 0;
};

/// Rebuilds a disk that was all zeros when its log began. Keeps what was durable at the last cut, so cuts in
/// rising order of position cost only what came between them, and a copy. Not thread-safe.
class Replayer {
 public:
  /// `log` must outlive the replayer.
  static Result<Replayer> create(const WriteLog& log, std::uint64_t size_bytes);

  /// The disk as `cut` leaves it: the same cut, the same disk.
  /// REQUIRES: cut.position is within the log.
  Result<MemoryImage> disk_after(const PowerCut& cut);

 private:
  Replayer(const WriteLog& log, MemoryImage durable) : log_(&log), durable_(std::move(durable)) {}
  Result<void> move_durable_to(std::uint64_t position);

  const WriteLog* log_;
  MemoryImage durable_;
  std::uint64_t durable_position_ = 0;
};

}  // namespace sluice::testing
