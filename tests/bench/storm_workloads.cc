#include <fcntl.h>
#include <fmt/format.h>

#include "callers.h"
#include "file_calls.h"
#include "workload_families.h"

// Much is written first, and then made durable piece by piece.

namespace sluice::bench {
namespace {

/// What dpkg does with the files of a package: it writes all of them under other names, then reopens each
/// write-only, syncs, closes and renames it.
class Storm final : public Workload {
 public:
  Storm(const Setting& setting, Ledger& ledger)
      : setting_(setting), ledger_(ledger), files_(setting.count(1000)) {}

  void open() override {
    content_.resize(kBytes);
    stamp(content_, 0, 1);
  }
  /// Writing is part of the time: where it ends and syncing begins is nobody's but the file system's.
  Sample run() override {
    const Sample written = work_off(setting_, ledger_, files_, [this](Caller&, std::size_t number) {
      write_at(open_file(setting_.directory / unpacked(number), O_WRONLY | O_CREAT | O_EXCL), content_, 0);
    });
    Sample result = work_off(setting_, ledger_, files_,
                             [this](Caller& caller, std::size_t number) { install(caller, number); });
    result.seconds += written.seconds;
    return result;
  }

 private:
  static constexpr std::size_t kBytes = 16U << 10U;

  static std::string installed(std::size_t number) { return fmt::format("file-{}", number); }
  static std::string unpacked(std::size_t number) { return installed(number) + ".dpkg-new"; }

  void install(Caller& caller, std::size_t number) {
    sync_file(open_file(setting_.directory / unpacked(number), O_WRONLY));
    caller.acknowledged({installed(number), unpacked(number), 0, kBytes, 1});
    rename_file(setting_.directory / unpacked(number), setting_.directory / installed(number));
  }

  const Setting setting_;
  Ledger& ledger_;
  const std::size_t files_;
  std::vector<std::byte> content_;
};

/// PostgreSQL's checkpointer: pages all over large files are written, which stay open; then file after file
/// is synced.
class Checkpoint final : public Workload {
 public:
  Checkpoint(const Setting& setting, Ledger& ledger)
      : setting_(setting), ledger_(ledger), count_(setting.count(32)) {}

  void prepare() override {
    std::vector<std::byte> page(kPage);
    for (std::size_t number = 0; number < count_; ++number) {
      const UniqueFd file = open_file(setting_.directory / name_of(number), O_WRONLY | O_CREAT | O_EXCL);
      for (std::size_t at = 0; at < kPages; ++at) write_at(file, page, at * kPage);
    }
  }
  void open() override {
    for (std::size_t number = 0; number < count_; ++number) {
      files_.push_back(open_file(setting_.directory / name_of(number), O_RDWR));
    }
  }
  Sample run() override {
    const Sample written = work_off(setting_, ledger_, count_, [this](Caller& caller, std::size_t number) {
      std::vector<std::byte> page(kPage);
      for (std::size_t dirtied = 0; dirtied < kDirtied; ++dirtied) {
        // The first page always, for the ledger.
        const std::uint64_t at = dirtied == 0 ? 0 : caller.below(kPages) * kPage;
        stamp(page, at, 1);
        write_at(files_[number], page, at);
      }
    });
    Sample result = work_off(setting_, ledger_, count_, [this](Caller& caller, std::size_t number) {
      sync_file(files_[number]);
      caller.acknowledged({name_of(number), {}, 0, kPage, 1});
    });
    result.seconds += written.seconds;
    return result;
  }

 private:
  static constexpr std::size_t kPage = 8192;
  static constexpr std::size_t kPages = 1024;
  static constexpr std::size_t kDirtied = 64;

  static std::string name_of(std::size_t number) { return fmt::format("segment-{}", number); }

  const Setting setting_;
  Ledger& ledger_;
  const std::size_t count_;
  std::vector<UniqueFd> files_;
};

}  // namespace

std::vector<WorkloadKind> storm_workloads() {
  return {
      syncing("storm", "1,000 files of 16 KiB written, then each reopened, fsynced, closed, renamed", {1},
              make<Storm>),
      syncing("checkpoint", "64 pages in each of 32 open files of 8 MiB written, then each file fsynced", {1},
              make<Checkpoint>),
  };
}

}  // namespace sluice::bench
