#pragma once

#include "record_workload.h"

namespace sluice::testing {

struct StormOptions {
  std::uint64_t seed = 1;
  unsigned callers = 2;
  unsigned rounds = 2;
  unsigned files_per_round = 60;
};

/// What dpkg does: many files are written, then each is reopened write-only, synced, closed and renamed. So
/// most are synced before anybody asks. Some are written again just before their sync, which may happen while
/// such an early sync runs.
class StormWorkload final : public RecordWorkload {
 public:
  explicit StormWorkload(StormOptions options) : RecordWorkload({}), options_(options) {}

  [[nodiscard]] std::string name() const override { return "storm"; }
  void run(const std::filesystem::path& directory, const LogPosition& position) override;

 private:
  void make_storms(const std::filesystem::path& directory, const LogPosition& position, unsigned caller);

  const StormOptions options_;
};

}  // namespace sluice::testing
