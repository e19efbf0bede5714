#include <fcntl.h>
#include <fmt/format.h>

#include <array>

#include "callers.h"
#include "file_calls.h"
#include "own_file.h"
#include "workload_families.h"

namespace sluice::bench {
namespace {

constexpr std::size_t kSmallBytes = 4096;

/// One reads small files that are in memory, first alone and then while many others append and sync.
class ReadBesideSyncs final : public Workload {
 public:
  ReadBesideSyncs(const Setting& setting, Ledger& ledger)
      : setting_(setting), ledger_(ledger), small_(setting.count(100)) {}

  void prepare() override {
    const std::array<std::byte, kSmallBytes> content{};
    for (std::size_t number = 0; number < small_; ++number) {
      write_at(open_file(small_path(number), O_WRONLY | O_CREAT | O_EXCL), content, 0);
    }
    for (unsigned number = 0; number < setting_.callers; ++number) {
      (void)open_file(setting_.directory / synced_name(number), O_WRONLY | O_CREAT | O_EXCL);
    }
  }
  void open() override {
    for (unsigned number = 0; number < setting_.callers; ++number) {
      const std::string name = synced_name(number);
      synced_.push_back({name, open_file(setting_.directory / name, O_WRONLY | O_APPEND)});
    }
  }
  Sample run() override {
    const Operation read = [this](Caller& caller) {
      std::array<std::byte, kSmallBytes> content{};
      (void)read_at(open_file(small_path(caller.below(small_)), O_RDONLY), content, 0);
    };
    Setting alone = setting_;
    alone.callers = 1;
    const Sample quiet = repeat(alone, ledger_, read);
    Sample result = repeat_beside(alone, ledger_, read, setting_.callers, [this](Caller& caller) {
      append_and_sync(caller, synced_[caller.number()]);
    });
    result.quiet = quiet.latency;
    return result;
  }

 private:
  static std::string synced_name(unsigned number) { return fmt::format("synced-{}", number); }
  [[nodiscard]] std::filesystem::path small_path(std::size_t number) const {
    return setting_.directory / fmt::format("small-{}", number);
  }

  const Setting setting_;
  Ledger& ledger_;
  const std::size_t small_;
  std::vector<OwnFile> synced_;
};

}  // namespace

std::vector<WorkloadKind> reader_workloads() {
  WorkloadKind kind =
      syncing("read-beside-syncs",
              "open, read and close of 4 KiB in memory by one, while the callers append 4 KiB "
              "to their own files and fsync; quiet: while they do not",
              {64}, make<ReadBesideSyncs>);
  kind.figures = beside_figures();
  return {kind};
}

}  // namespace sluice::bench
