#include <fcntl.h>
#include <fmt/format.h>

#include <array>

#include "callers.h"
#include "file_calls.h"
#include "own_file.h"
#include "workload_families.h"

// Work that does not go as a file system would like to guess.

namespace sluice::bench {
namespace {

constexpr std::size_t kBlock = 4096;

/// Many files are written all the time, and now and then somebody syncs one of them: which, nobody can
/// foresee, and most are written again before anybody asks.
class Scattered final : public Workload {
 public:
  Scattered(const Setting& setting, Ledger& ledger)
      : setting_(setting), ledger_(ledger), count_(setting.count(2000) / setting.callers + 1) {}

  void prepare() override {
    std::array<std::byte, kBlock> block{};
    stamp(block, 0, 0);
    for (unsigned caller = 0; caller < setting_.callers; ++caller) {
      for (std::size_t number = 0; number < count_; ++number) {
        write_at(open_file(setting_.directory / name_of(caller, number), O_WRONLY | O_CREAT | O_EXCL), block,
                 0);
      }
    }
  }
  void open() override {
    files_.resize(setting_.callers);
    for (unsigned caller = 0; caller < setting_.callers; ++caller) {
      for (std::size_t number = 0; number < count_; ++number) {
        files_[caller].push_back({open_file(setting_.directory / name_of(caller, number), O_WRONLY), 0});
      }
    }
  }
  Sample run() override {
    return repeat(setting_, ledger_, [this](Caller& caller) { work(caller); });
  }

 private:
  struct File {
    UniqueFd file;
    Version version = 0;
  };

  static std::string name_of(unsigned caller, std::size_t number) {
    return fmt::format("file-{}-{}", caller, number);
  }
  void work(Caller& caller) {
    constexpr int kWrites = 4;
    std::vector<File>& own = files_[caller.number()];
    std::array<std::byte, kBlock> block{};
    for (int i = 0; i < kWrites; ++i) {
      File& written = own[caller.below(count_)];
      stamp(block, 0, ++written.version);
      write_at(written.file, block, 0);
    }
    const std::size_t number = caller.below(count_);
    const File& synced = own[number];
    sync_file(synced.file);
    if (synced.version == 0) return caller.acknowledged();  // What prepare() wrote was durable before.
    caller.acknowledged({name_of(caller.number(), number), {}, 0, kBlock, synced.version});
  }

  const Setting setting_;
  Ledger& ledger_;
  const std::size_t count_;
  std::vector<std::vector<File>> files_;
};

/// Small files are appended to and synced, first alone and then beside one who syncs 64 MiB each time.
class SmallBesideLarge final : public Workload {
 public:
  SmallBesideLarge(const Setting& setting, Ledger& ledger) : setting_(setting), ledger_(ledger) {}

  void prepare() override {
    for (unsigned number = 0; number < setting_.callers; ++number) {
      (void)open_file(setting_.directory / name_of(number), O_WRONLY | O_CREAT | O_EXCL);
    }
    (void)open_file(setting_.directory / "large", O_RDWR | O_CREAT | O_EXCL);
  }
  void open() override {
    for (unsigned number = 0; number < setting_.callers; ++number) {
      const std::string name = name_of(number);
      small_.push_back({name, open_file(setting_.directory / name, O_WRONLY | O_APPEND)});
    }
    large_ = open_file(setting_.directory / "large", O_RDWR);
  }
  Sample run() override {
    const Operation small = [this](Caller& caller) { append_and_sync(caller, small_[caller.number()]); };
    const Sample quiet = repeat(setting_, ledger_, small);
    Sample result = repeat_beside(setting_, ledger_, small, 1, [this](Caller&) { write_and_sync_large(); });
    result.quiet = quiet.latency;
    result.acknowledged += quiet.acknowledged;
    return result;
  }

 private:
  static std::string name_of(unsigned number) { return fmt::format("small-{}", number); }
  void write_and_sync_large() {
    constexpr std::size_t kPiece = 1U << 20U;
    const std::size_t pieces = setting_.count(64);
    const std::vector<std::byte> piece(kPiece);
    for (std::size_t i = 0; i < pieces; ++i) write_at(large_, piece, i * kPiece);
    sync_file(large_);
  }

  const Setting setting_;
  Ledger& ledger_;
  std::vector<OwnFile> small_;
  UniqueFd large_;
};

}  // namespace

std::vector<WorkloadKind> contrary_workloads() {
  WorkloadKind scattered = syncing(
      "scattered", "4 of one's own share of 2,000 open files written, 4 KiB each, then any of them fsynced",
      {1, 16}, make<Scattered>);
  scattered.figures.push_back({"written", "KiB", Better::lower, [](const Sample& sample) {
                                 return static_cast<double>(sample.written_bytes) / 1024 / sample.operations;
                               }});
  WorkloadKind beside =
      syncing("small-beside-large",
              "4 KiB appended to one's own file and fsynced, while one more writes 64 MiB and "
              "fsyncs again and again; quiet: while he does not",
              {1, 16}, make<SmallBesideLarge>);
  beside.figures = beside_figures();
  return {scattered, beside};
}

}  // namespace sluice::bench
