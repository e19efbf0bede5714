#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "ledger.h"
#include "server_use.h"
#include "statistics.h"

namespace sluice::bench {

/// What a run is given.
struct Setting {
  /// The workload's own, empty, on what is measured.
  std::filesystem::path directory;
  /// Outside of what is measured, kept from run to run: for an archive to unpack.
  std::filesystem::path scratch;
  unsigned callers = 1;
  std::chrono::milliseconds duration{1000};
  /// Multiplies numbers of files; less than 1 for a run that only shows that it runs.
  double scale = 1;

  /// `full` files, or as many as `scale` leaves, at least one.
  [[nodiscard]] std::size_t count(std::size_t full) const;
};

struct Latencies {
  double p50_us = 0;
  double p99_us = 0;
};

/// What a run did.
struct Sample {
  double operations = 0;
  double seconds = 0;
  Latencies latency = {};
  /// Of the same operations while nobody synced; of workloads that look at that.
  Latencies quiet = {};
  /// fsyncs, fdatasyncs and O_SYNC writes that were answered with success.
  std::uint64_t acknowledged = 0;
  /// Flushes that reached the device; of disks that count them.
  std::uint64_t flushes = 0;
  /// Bytes that were written to it; of the same disks.
  std::uint64_t written_bytes = 0;
  /// Of the mount's server: what it used and by how much it grew, and what it had at the end.
  ServerUse server = {};

  [[nodiscard]] double per_second() const { return operations / seconds; }
};

/// One number of a run, a row of the table.
struct Figure {
  std::string name;
  std::string unit;
  Better better;
  double (*of)(const Sample&);
};

/// Work that programs do, for one run. First prepare() or nothing, then open() and run() in one process.
class Workload {
 public:
  virtual ~Workload() = default;
  /// Makes what the run finds there, through what is measured, not timed. Made durable by who calls this.
  virtual void prepare() {}
  /// Opens it. What prepare() kept in memory is not to be relied on.
  virtual void open() {}
  virtual Sample run() = 0;
};

/// A workload before it is run.
struct WorkloadKind {
  std::string name;
  std::string summary;
  /// The callers of the runs, unless others are asked for.
  std::vector<unsigned> callers;
  /// Mounted anew between prepare() and open(), so that the mount's caches are cold.
  bool cold = false;
  /// Work that asks for durability, so that a power cut can tell whether it got it.
  bool acknowledges = false;
  std::vector<Figure> figures;
  /// `ledger` outlives the workload.
  std::unique_ptr<Workload> (*make)(const Setting& setting, Ledger& ledger);
};

/// All of them, in the order in which they are reported.
[[nodiscard]] const std::vector<WorkloadKind>& all_workloads();
/// Throws std::runtime_error when there is none of this name.
[[nodiscard]] const WorkloadKind& workload_named(const std::string& name);

}  // namespace sluice::bench
