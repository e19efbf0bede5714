#include "workloads.h"

#include "record_workload.h"
#include "sqlite_workload.h"
#include "storm_workload.h"

namespace sluice::testing {
namespace {

constexpr unsigned kCommits = 120;

}  // namespace

std::vector<std::string> workload_names() {
  return {"records", "sqlite-rollback", "sqlite-wal", "storm"};
}

std::unique_ptr<Workload> make_workload(std::string_view name, std::uint64_t seed) {
  if (name == "records") return std::make_unique<RecordWorkload>(RecordOptions{.seed = seed});
  if (name == "sqlite-rollback") return std::make_unique<SqliteWorkload>(SqliteJournal::rollback, kCommits);
  if (name == "sqlite-wal") return std::make_unique<SqliteWorkload>(SqliteJournal::wal, kCommits);
  if (name == "storm") return std::make_unique<StormWorkload>(StormOptions{.seed = seed});
  return nullptr;
}

}  // namespace sluice::testing
