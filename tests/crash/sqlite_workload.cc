#include "sqlite_workload.h"

#include <sqlite3.h>

#include <algorithm>
#include <istream>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <string>

namespace sluice::testing {

namespace {

class Database {
 public:
  explicit Database(const std::filesystem::path& path) {
    sqlite3* opened = nullptr;
    const int result =
        sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
    database_.reset(opened);
    if (result != SQLITE_OK) throw std::runtime_error("open: " + message());
  }

  /// The first column of the first row, or an empty text.
  std::string run(const std::string& sql) {
    sqlite3_stmt* raw = nullptr;
    if (sqlite3_prepare_v2(database_.get(), sql.c_str(), -1, &raw, nullptr) != SQLITE_OK) {
      throw std::runtime_error(sql + ": " + message());
    }
    const std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)> statement(raw, sqlite3_finalize);
    const int result = sqlite3_step(statement.get());
    if (result == SQLITE_DONE) return {};
    if (result != SQLITE_ROW) throw std::runtime_error(sql + ": " + message());
    const unsigned char* const text = sqlite3_column_text(statement.get(), 0);
    return text == nullptr ? std::string() : reinterpret_cast<const char*>(text);
  }

 private:
  [[nodiscard]] std::string message() const { return sqlite3_errmsg(database_.get()); }
  struct Close {
    void operator()(sqlite3* database) const { sqlite3_close(database); }
  };
  std::unique_ptr<sqlite3, Close> database_;
};

constexpr const char* kFile = "rows.db";

}  // namespace

void SqliteWorkload::run(const std::filesystem::path& directory, const LogPosition& position) {
  Database database(directory / kFile);
  database.run(journal_ == SqliteJournal::wal ? "pragma journal_mode=wal" : "pragma journal_mode=delete");
  // EXTRA syncs the directory as well when the rollback journal is removed: without it SQLite itself promises
  // the last commit only once the directory happens to be synced.
  database.run(journal_ == SqliteJournal::wal ? "pragma synchronous=full" : "pragma synchronous=extra");
  database.run("pragma wal_autocheckpoint=20");
  database.run("create table rows(number integer primary key, text text)");
  for (unsigned number = 0; number < commits_; ++number) {
    database.run("insert into rows values(" + std::to_string(number) + ", hex(randomblob(" +
                 std::to_string(20 + number * 37 % 900) + ")))");
    committed_at_.push_back(position());
  }
}

std::vector<std::string> SqliteWorkload::losses(const std::filesystem::path& directory,
                                                std::uint64_t position) const {
  const auto due =
      std::upper_bound(committed_at_.begin(), committed_at_.end(), position) - committed_at_.begin();
  if (due == 0) return {};
  if (!std::filesystem::exists(directory / kFile)) return {"the database is not there"};
  try {
    Database database(directory / kFile);
    const std::string integrity = database.run("pragma integrity_check");
    if (integrity != "ok") return {"integrity_check: " + integrity};
    const std::string present =
        database.run("select count(*) from rows where number < " + std::to_string(due));
    if (present == std::to_string(due)) return {};
    return {present + " of " + std::to_string(due) + " committed rows are there"};
  } catch (const std::runtime_error& error) {
    return {error.what()};
  }
}

void SqliteWorkload::save(std::ostream& out) const {
  out << committed_at_.size() << '\n';
  for (const std::uint64_t position : committed_at_) out << position << '\n';
}

void SqliteWorkload::load(std::istream& in) {
  std::size_t commits = 0;
  in >> commits;
  committed_at_.clear();
  for (std::uint64_t position = 0; committed_at_.size() < commits && in >> position;) {
    committed_at_.push_back(position);
  }
}

}  // namespace sluice::testing
