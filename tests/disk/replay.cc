#include "replay.h"

#include <array>

#include "sluice/check.h"
#include "write_log_format.h"

namespace sluice::testing {
namespace {

using log_format::kSectorBytes;

/// The part of an entry from byte `first` on.
void apply(MemoryImage& disk, const LogEntry& entry, std::uint64_t first, std::uint64_t length_bytes) {
  if (entry.mark) return;
  if (entry.discard) {
    disk.zero(entry.offset_bytes + first, length_bytes);
  } else {
    disk.write(entry.offset_bytes + first, entry.data.subspan(first, length_bytes));
  }
}

void apply(MemoryImage& disk, const LogEntry& entry) {
  apply(disk, entry, 0, entry.length_bytes);
}

/// Casts the lots of one cut. How much survives differs from cut to cut, for a file system that finds nearly
/// all of its writes has other trouble than one that finds few.
class Lots {
 public:
  explicit Lots(std::uint64_t seed) : random_(seed), survivors_of_8_(kSurvivorsOf8[below(3)]) {}

  void apply_some(MemoryImage& disk, const LogEntry& entry) {
    const bool torn = below(4) == 0;
    const std::uint64_t step = torn ? kSectorBytes : entry.length_bytes;
    for (std::uint64_t at = 0; at < entry.length_bytes; at += step) {
      if (below(8) < survivors_of_8_) apply(disk, entry, at, step);
    }
  }

 private:
  static constexpr std::array<std::uint64_t, 3> kSurvivorsOf8{1, 4, 7};

  // Not std::uniform_int_distribution, which may give other numbers with another library.
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

  std::mt19937_64 random_;
  const std::uint64_t survivors_of_8_;
};

/// Where the flush stands that completed last before `position`; 0 when none did. What it carries itself is
/// behind it.
std::uint64_t last_flush_before(const std::vector<LogEntry>& entries, std::uint64_t position) {
  while (position > 0 && !entries[position - 1].flush) --position;
  return position == 0 ? 0 : position - 1;
}

}  // namespace

Result<Replayer> Replayer::create(const WriteLog& log, std::uint64_t size_bytes) {
  return MemoryImage::create(size_bytes).map([&](MemoryImage&& empty) {
    return Replayer(log, std::move(empty));
  });
}

Result<void> Replayer::move_durable_to(std::uint64_t position) {
  if (position < durable_position_) {
    Result<MemoryImage> empty = MemoryImage::create(durable_.bytes().size());
    if (!empty) return fail(empty.error());
    durable_ = std::move(*empty);
    durable_position_ = 0;
  }
  for (; durable_position_ < position; ++durable_position_) {
    apply(durable_, log_->entries()[durable_position_]);
  }
  return {};
}

Result<MemoryImage> Replayer::disk_after(const PowerCut& cut) {
  const std::vector<LogEntry>& entries = log_->entries();
  SLUICE_CHECK(cut.position <= entries.size());
  const std::uint64_t durable = last_flush_before(entries, cut.position);
  if (const Result<void> moved = move_durable_to(durable); !moved) return fail(moved.error());
  Result<MemoryImage> disk = durable_.copy();
  if (!disk) return disk;
  Lots lots(cut.seed);
  for (std::uint64_t at = durable; at < cut.position; ++at) {
    const LogEntry& entry = entries[at];
    if (entry.fua || cut.at_risk == AtRisk::kept) {
      apply(*disk, entry);
    } else if (cut.at_risk == AtRisk::some) {
      lots.apply_some(*disk, entry);
    }
  }
  return disk;
}

}  // namespace sluice::testing
