#include <fcntl.h>
#include <fmt/format.h>

#include "callers.h"
#include "file_calls.h"
#include "workload_families.h"

// Large files, every caller its own, without any sync.

namespace sluice::bench {
namespace {

class LargeFiles : public Workload {
 public:
  static constexpr std::size_t kSequential = 128U << 10U;
  static constexpr std::size_t kPage = 4096;

  LargeFiles(const Setting& setting, Ledger& ledger)
      : setting_(setting), ledger_(ledger), at_(setting.callers) {
    // A multiple of what is written at once; all callers together within what fits in memory and on the disk.
    blocks_ = setting.count(kAllBytes / kSequential / setting.callers);
  }

  void prepare() override {
    const std::vector<std::byte> block(kSequential, std::byte{'p'});
    for (unsigned number = 0; number < setting_.callers; ++number) {
      const UniqueFd file = open_file(path_of(number), O_WRONLY | O_CREAT | O_EXCL);
      for (std::size_t at = 0; at < blocks_; ++at) write_at(file, block, at * kSequential);
    }
  }
  void open() override {
    for (unsigned number = 0; number < setting_.callers; ++number) {
      files_.push_back(open_file(path_of(number), O_RDWR));
      blocks_of_.emplace_back(kSequential, std::byte{'w'});
    }
  }
  Sample run() override {
    return repeat(setting_, ledger_, [this](Caller& caller) {
      work(caller, files_[caller.number()], blocks_of_[caller.number()]);
    });
  }

 protected:
  /// `memory` takes a block of kSequential bytes.
  virtual void work(Caller& caller, const UniqueFd& file, std::span<std::byte> memory) = 0;

  /// From the beginning to the end, and again.
  std::uint64_t next(const Caller& caller) { return at_[caller.number()]++ % blocks_ * kSequential; }
  std::uint64_t anywhere(Caller& caller) { return caller.below(blocks_ * (kSequential / kPage)) * kPage; }

 private:
  static constexpr std::size_t kAllBytes = 128U << 20U;

  [[nodiscard]] std::filesystem::path path_of(unsigned number) const {
    return setting_.directory / fmt::format("large-{}", number);
  }

  const Setting setting_;
  Ledger& ledger_;
  std::size_t blocks_ = 0;
  std::vector<std::size_t> at_;
  std::vector<UniqueFd> files_;
  std::vector<std::vector<std::byte>> blocks_of_;
};

class SequentialWrite final : public LargeFiles {
  using LargeFiles::LargeFiles;
  void work(Caller& caller, const UniqueFd& file, std::span<std::byte> memory) override {
    write_at(file, memory, next(caller));
  }
};

class SequentialRead final : public LargeFiles {
  using LargeFiles::LargeFiles;
  void work(Caller& caller, const UniqueFd& file, std::span<std::byte> memory) override {
    (void)read_at(file, memory, next(caller));
  }
};

class RandomWrite final : public LargeFiles {
  using LargeFiles::LargeFiles;
  void work(Caller& caller, const UniqueFd& file, std::span<std::byte> memory) override {
    write_at(file, memory.first(kPage), anywhere(caller));
  }
};

class RandomRead final : public LargeFiles {
  using LargeFiles::LargeFiles;
  void work(Caller& caller, const UniqueFd& file, std::span<std::byte> memory) override {
    (void)read_at(file, memory.first(kPage), anywhere(caller));
  }
};

}  // namespace

std::vector<WorkloadKind> data_workloads() {
  return {
      plain("sequential-write", "128 KiB after 128 KiB over one's own file, 128 MiB in all", {1},
            make<SequentialWrite>),
      cold(plain("sequential-read",
                 "128 KiB after 128 KiB of one's own file, which the file system below has in memory", {1},
                 make<SequentialRead>)),
      plain("random-write", "4 KiB anywhere in one's own file", {1}, make<RandomWrite>),
      cold(plain("random-read", "4 KiB anywhere in one's own file, which the file system below has in memory",
                 {1}, make<RandomRead>)),
  };
}

}  // namespace sluice::bench
