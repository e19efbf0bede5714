#pragma once

#include <utility>
#include <vector>

#include "workload.h"

namespace sluice::testing {

enum class SqliteJournal { rollback, wal };

/// A SQLite database with synchronous=FULL that commits one row after another.
class SqliteWorkload : public Workload {
 public:
  SqliteWorkload(SqliteJournal journal, unsigned commits) : journal_(journal), commits_(commits) {}

  [[nodiscard]] std::string name() const override {
    return journal_ == SqliteJournal::wal ? "sqlite-wal" : "sqlite-rollback";
  }
  void run(const std::filesystem::path& directory, const LogPosition& position) override;
  [[nodiscard]] std::vector<std::uint64_t> acknowledged_at() const override { return committed_at_; }
  /// Runs SQLite's own recovery and integrity check, then looks for every row that was committed.
  [[nodiscard]] std::vector<std::string> losses(const std::filesystem::path& directory,
                                                std::uint64_t position) const override;
  void save(std::ostream& out) const override;
  void load(std::istream& in) override;

 private:
  const SqliteJournal journal_;
  const unsigned commits_;
  std::vector<std::uint64_t> committed_at_;  // By row.
};

}  // namespace sluice::testing
