#pragma once

#include <string>
#include <vector>

#include "interrupt.h"
#include "ledger.h"
#include "workload.h"

namespace sluice::bench {

/// One run of a workload, or the preparation of one, in a process of its own: what a contender does to
/// programs (LD_PRELOAD, a lock that it holds) does not reach us, and a run that hangs can be ended.
struct Job {
  enum class Part : std::uint8_t { prepare, run };
  Part part = Part::run;
  std::string workload;
  Setting setting;
  /// As use_of() takes it.
  pid_t server = 0;
  /// As DiskGauge takes it.
  std::string gauge;
  /// The disk records, so note what is acknowledged.
  bool record = false;
};

struct JobResult {
  Sample sample;
  Ledger ledger;
};

/// Runs `launcher`, then this program with the words of run_job(), and waits. Throws std::runtime_error when
/// it fails or does not end, Interrupted when that comes first.
[[nodiscard]] JobResult run_in_child(const Job& job, const std::vector<std::string>& launcher,
                                     const Interrupt& interrupt);

/// The first argument of a child.
inline constexpr const char* kJobWord = "run-job";
/// What main() does in a child: the job is on standard input, its result goes to standard output.
int run_job();

}  // namespace sluice::bench
