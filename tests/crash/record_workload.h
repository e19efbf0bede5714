#pragma once

#include <utility>
#include <vector>

#include "record_writer.h"
#include "sluice/mutex.h"
#include "workload.h"

namespace sluice::testing {

struct RecordOptions {
  std::uint64_t seed = 1;
  unsigned writers = 4;
  unsigned steps_per_writer = 60;
};

/// Several RecordWriters at once, each in a thread of its own.
class RecordWorkload : public Workload {
 public:
  explicit RecordWorkload(RecordOptions options) : options_(options) {}

  [[nodiscard]] std::string name() const override { return "records"; }
  void run(const std::filesystem::path& directory, const LogPosition& position) override;
  [[nodiscard]] std::vector<std::uint64_t> acknowledged_at() const override;
  [[nodiscard]] std::vector<std::string> losses(const std::filesystem::path& directory,
                                                std::uint64_t position) const override;
  void save(std::ostream& out) const override;
  void load(std::istream& in) override;

 protected:
  /// Something was acknowledged, and the log had come to `acknowledged_at`.
  void note(std::uint64_t acknowledged_at, FilePromise promise);

 private:
  struct TimedPromise {
    std::uint64_t position;
    FilePromise promise;
  };
  /// What must be there after a cut: of each file the newest promise before it, with the names that it got
  /// later.
  [[nodiscard]] std::vector<FilePromise> due(std::uint64_t position) const;

  const RecordOptions options_;
  mutable Mutex mutex_;
  std::vector<TimedPromise> promises_ SLUICE_GUARDED_BY(mutex_);  // Of one file, in the order of its steps.
};

}  // namespace sluice::testing
