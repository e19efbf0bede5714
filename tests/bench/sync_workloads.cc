#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "callers.h"
#include "file_calls.h"
#include "own_file.h"
#include "workload_families.h"

// Workloads in which every caller has a file and asks for its durability again and again.

namespace sluice::bench {
namespace {

constexpr std::size_t kBlock = 4096;
constexpr std::size_t kBlocks = 256;

class OwnFiles : public Workload {
 public:
  OwnFiles(const Setting& setting, Ledger& ledger) : setting_(setting), ledger_(ledger) {}

  void prepare() override {
    std::vector<std::byte> block(kBlock);
    for (unsigned number = 0; number < setting_.callers; ++number) {
      const UniqueFd file = open_file(setting_.directory / name_of(number), O_RDWR | O_CREAT | O_EXCL);
      fill(file, block);
    }
  }
  void open() override {
    for (unsigned number = 0; number < setting_.callers; ++number) {
      files_.push_back(
          {name_of(number), open_file(setting_.directory / name_of(number), O_RDWR | open_flags()), 0});
    }
  }
  Sample run() override {
    return repeat(setting_, ledger_, [this](Caller& caller) { work(caller, files_[caller.number()]); });
  }

 protected:
  virtual void fill(const UniqueFd& file, std::vector<std::byte>& block) {
    for (std::size_t at = 0; at < kBlocks; ++at) {
      stamp(block, at * kBlock, 0);
      write_at(file, block, at * kBlock);
    }
  }
  [[nodiscard]] virtual int open_flags() const { return 0; }
  virtual void work(Caller& caller, OwnFile& own) = 0;
  [[nodiscard]] const Setting& setting() const { return setting_; }
  [[nodiscard]] const std::vector<OwnFile>& files() const { return files_; }

 private:
  static std::string name_of(unsigned number) { return fmt::format("file-{}", number); }

  const Setting setting_;
  Ledger& ledger_;
  std::vector<OwnFile> files_;
};

class Overwrite final : public OwnFiles {
  using OwnFiles::OwnFiles;
  void work(Caller& caller, OwnFile& own) override {
    std::array<std::byte, kBlock> block{};
    const std::uint64_t at = caller.below(kBlocks) * kBlock;
    stamp(block, at, ++own.version);
    write_at(own.file, block, at);
    sync_data(own.file);
    caller.acknowledged({own.name, {}, at, kBlock, own.version});
  }
};

class Append final : public OwnFiles {
  using OwnFiles::OwnFiles;
  void fill(const UniqueFd& /*file*/, std::vector<std::byte>& /*block*/) override {}
  [[nodiscard]] int open_flags() const override { return O_APPEND; }
  void work(Caller& caller, OwnFile& own) override { append_and_sync(caller, own); }
};

/// Nothing has been written since the file was synced last.
class Clean final : public OwnFiles {
  using OwnFiles::OwnFiles;
  void open() override {
    OwnFiles::open();
    for (const OwnFile& own : files()) sync_file(own.file);
  }
  void work(Caller& caller, OwnFile& own) override {
    sync_file(own.file);
    // Of what prepare() wrote, of which one block is as good as all.
    caller.acknowledged({own.name, {}, 0, kBlock, 0});
  }
};

/// etcd's log, as its own advice to measure a disk with fio has it: a file that has its blocks, written from
/// beginning to end in records of 2,300 bytes, fdatasync after each.
class WriteAheadLog final : public OwnFiles {
  using OwnFiles::OwnFiles;
  static constexpr std::size_t kRecord = 2300;

  void fill(const UniqueFd& file, std::vector<std::byte>& /*block*/) override {
    if (::posix_fallocate(file.get(), 0, static_cast<off_t>(records() * kRecord)) != 0) {
      throw_errno("posix_fallocate");
    }
  }
  void work(Caller& caller, OwnFile& own) override {
    std::array<std::byte, kRecord> record{};
    const std::uint64_t at = own.version % records() * kRecord;
    stamp(record, at, ++own.version);
    write_at(own.file, record, at);
    sync_data(own.file);
    caller.acknowledged({own.name, {}, at, kRecord, own.version});
  }
  /// 22 MiB as there, less for many callers, for whom the disk is too small.
  [[nodiscard]] std::size_t records() const {
    constexpr std::size_t kOneBytes = 22U << 20U;
    constexpr std::size_t kAllBytes = 128U << 20U;
    return std::min(kOneBytes, kAllBytes / setting().callers) / kRecord;
  }
};

/// All callers write to one file, each to blocks of its own.
class OneFile final : public Workload {
 public:
  OneFile(const Setting& setting, Ledger& ledger) : setting_(setting), ledger_(ledger) {}

  void prepare() override {
    const UniqueFd file = open_file(setting_.directory / kName, O_RDWR | O_CREAT | O_EXCL);
    std::vector<std::byte> block(kBlock);
    for (std::size_t at = 0; at < setting_.callers; ++at) write_at(file, block, at * kBlock);
  }
  void open() override {
    file_ = open_file(setting_.directory / kName, O_RDWR);
    versions_.resize(setting_.callers);
  }
  Sample run() override {
    return repeat(setting_, ledger_, [this](Caller& caller) {
      std::array<std::byte, kBlock> block{};
      const std::uint64_t at = std::uint64_t{caller.number()} * kBlock;
      const Version version = ++versions_[caller.number()];
      stamp(block, at, version);
      write_at(file_, block, at);
      sync_file(file_);
      caller.acknowledged({kName, {}, at, kBlock, version});
    });
  }

 private:
  static constexpr const char* kName = "file";

  const Setting setting_;
  Ledger& ledger_;
  UniqueFd file_;
  std::vector<Version> versions_;
};

}  // namespace

std::vector<WorkloadKind> sync_workloads() {
  const std::vector<unsigned> callers{1, 16, 64};
  return {
      syncing("overwrite", "a random 4 KiB block of one's own file of 1 MiB, fdatasync", callers,
              make<Overwrite>),
      syncing("append", "4 KiB at the end of one's own file, fsync", callers, make<Append>),
      syncing("clean", "fsync of one's own file to which nothing was written", callers, make<Clean>),
      syncing("etcd", "2,300 bytes to one's own log, sequentially, fdatasync", callers, make<WriteAheadLog>),
      syncing("one-file", "a 4 KiB block of one's own in a file of all, fsync", {16}, make<OneFile>),
  };
}

}  // namespace sluice::bench
