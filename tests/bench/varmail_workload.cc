#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "callers.h"
#include "file_calls.h"
#include "sluice/mutex.h"
#include "workload_families.h"

namespace sluice::bench {
namespace {

constexpr std::size_t kMeanBytes = 16U << 10U;
constexpr std::size_t kReadBytes = 1U << 20U;

/// The numbers of the files in the set, each of which at most one caller has at a time.
class FileSet {
 public:
  explicit FileSet(std::size_t count) : states_(count, State::absent), versions_(count) {}

  enum class State : std::uint8_t { absent, present, taken };

  /// Takes one that is in `state`, starting to look at `from`; none when there is none.
  std::optional<std::size_t> take(State state, std::size_t from) {
    const MutexLock lock(mutex_);
    for (std::size_t looked = 0; looked < states_.size(); ++looked) {
      const std::size_t number = (from + looked) % states_.size();
      if (states_[number] != state) continue;
      states_[number] = State::taken;
      return number;
    }
    return std::nullopt;
  }
  void put(std::size_t number, State state) {
    const MutexLock lock(mutex_);
    states_[number] = state;
  }
  /// REQUIRES: the caller has taken the file.
  Version next_version(std::size_t number) { return ++versions_[number]; }
  [[nodiscard]] std::size_t size() const { return versions_.size(); }

 private:
  Mutex mutex_;
  std::vector<State> states_ SLUICE_GUARDED_BY(mutex_);
  std::vector<Version> versions_;  // Each belongs to who has taken its file.
};

/// filebench's varmail.f: a thread deletes a file; makes one, appends, syncs and closes it; opens one, reads
/// it, appends, syncs and closes it; opens one, reads and closes it. One directory, 1,000 files of 16 KiB on
/// average (a gamma distribution with shape 1.5), of which 80 % are there at the beginning; 16 KiB are
/// appended on average, evenly distributed. An operation is the whole loop.
class Varmail final : public Workload {
 public:
  Varmail(const Setting& setting, Ledger& ledger)
      : setting_(setting), ledger_(ledger), files_(setting.count(1000) + setting.callers) {}

  void prepare() override {
    std::minstd_rand random(1);
    std::gamma_distribution<double> sizes(kShape, static_cast<double>(kMeanBytes) / kShape);
    for (std::size_t number = 0; number < there_first(); ++number) {
      std::vector<std::byte> content(static_cast<std::size_t>(sizes(random)) + 1);
      write_at(open_file(path_of(number), O_WRONLY | O_CREAT | O_EXCL), content, 0);
    }
  }
  void open() override {
    for (std::size_t number = 0; number < there_first(); ++number) files_.put(number, State::present);
  }
  Sample run() override {
    return repeat(setting_, ledger_, [this](Caller& caller) {
      remove_one(caller);
      create_one(caller);
      read_one(caller, true);
      read_one(caller, false);
    });
  }

 private:
  using State = FileSet::State;
  static constexpr double kShape = 1.5;
  static constexpr std::size_t kThereOf100 = 80;

  [[nodiscard]] std::size_t there_first() const { return files_.size() * kThereOf100 / 100; }
  static std::string name_of(std::size_t number) { return fmt::format("mail-{}", number); }
  [[nodiscard]] std::filesystem::path path_of(std::size_t number) const {
    return setting_.directory / name_of(number);
  }
  std::optional<std::size_t> take(Caller& caller, State state) {
    return files_.take(state, caller.below(files_.size()));
  }

  void remove_one(Caller& caller) {
    const auto number = take(caller, State::present);
    if (!number) return;
    caller.released(name_of(*number));
    unlink_file(path_of(*number));
    files_.put(*number, State::absent);
  }
  void create_one(Caller& caller) {
    const auto number = take(caller, State::absent);
    if (!number) return;
    {
      const UniqueFd file = open_file(path_of(*number), O_WRONLY | O_CREAT | O_EXCL);
      append_durably(caller, *number, file, 0);
    }
    files_.put(*number, State::present);
  }
  void read_one(Caller& caller, bool then_append) {
    const auto number = take(caller, State::present);
    if (!number) return;
    {
      const UniqueFd file = open_file(path_of(*number), O_RDWR);
      std::vector<std::byte> part(kReadBytes);
      std::uint64_t bytes = 0;
      while (const std::size_t got = read_at(file, part, bytes)) bytes += got;
      if (then_append) append_durably(caller, *number, file, bytes);
    }
    files_.put(*number, State::present);
  }
  void append_durably(Caller& caller, std::size_t number, const UniqueFd& file, std::uint64_t at) {
    std::vector<std::byte> content(1 + caller.below(2 * kMeanBytes));
    const Version version = files_.next_version(number);
    stamp(content, at, version);
    write_at(file, content, at);
    sync_file(file);
    caller.acknowledged({name_of(number), {}, at, content.size(), version});
  }

  const Setting setting_;
  Ledger& ledger_;
  FileSet files_;
};

}  // namespace

std::vector<WorkloadKind> varmail_workloads() {
  return {syncing("varmail", "filebench's mail server: 1,000 files of 16 KiB; an operation is its whole loop",
                  {16}, make<Varmail>)};
}

}  // namespace sluice::bench
