#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include "stamp.h"

namespace sluice::bench {

/// How long the log of a recording disk is now (tests/disk/write_log.h).
using LogPosition = std::uint64_t;

/// When something was noted. The log stands still while nothing is written, so it does not tell what came
/// first.
struct Moment {
  LogPosition position = 0;
  std::chrono::nanoseconds time{0};

  friend bool operator==(const Moment&, const Moment&) = default;
};

/// A place that has been acknowledged as durable. Paths are relative to the workload's directory.
struct Fact {
  std::string path;
  /// The content may be here instead: a name whose change was not asked to be durable. Empty: nowhere else.
  std::string or_path;
  std::uint64_t offset_bytes = 0;
  std::uint64_t length_bytes = 0;
  Version version = 0;
  /// When the acknowledgement came.
  Moment since = {};

  friend bool operator==(const Fact&, const Fact&) = default;
};

/// What a caller has been promised, and what it took back; one thread writes it. Does nothing unless the disk
/// records.
class Ledger {
 public:
  using Log = std::function<LogPosition()>;

  Ledger() = default;
  /// `log` says how long the log is; any thread may call it.
  explicit Ledger(Log log) : log_(std::move(log)) {}

  /// An empty one of the same log.
  [[nodiscard]] Ledger fresh() const { return Ledger(log_); }
  /// Notes that `fact` holds from now on; `since` is filled in.
  void acknowledged(Fact fact);
  /// From now on nothing that was promised of `path` has to hold. Say it before the call that does it.
  void released(const std::string& path);
  /// Adds what another caller has been promised.
  void merge(const Ledger& other);

  [[nodiscard]] const std::vector<Fact>& facts() const { return facts_; }
  /// What must hold after a power cut at `position`, each place once, as its newest version.
  [[nodiscard]] std::vector<Fact> facts_at(LogPosition position) const;

  void save(std::ostream& out) const;
  static Ledger load(std::istream& in);

 private:
  struct Release {
    std::string path;
    Moment from = {};
  };

  [[nodiscard]] Moment now() const;

  Log log_;
  std::vector<Fact> facts_;
  std::vector<Release> releases_;
};

/// What of `facts` does not hold in the workload's directory, a line each.
[[nodiscard]] std::vector<std::string> losses(const std::vector<Fact>& facts,
                                              const std::filesystem::path& directory);

}  // namespace sluice::bench
