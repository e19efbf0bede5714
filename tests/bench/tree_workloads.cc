#include <fcntl.h>
#include <fmt/format.h>

#include "callers.h"
#include "file_calls.h"
#include "run_program.h"
#include "workload_families.h"

// A tree of 10,000 files in 100 directories, by the programs that people use.

namespace sluice::bench {
namespace {

constexpr std::size_t kFilesInDirectory = 100;
constexpr std::size_t kFileBytes = 4096;

void run_to_success(const std::vector<std::string>& command) {
  const auto status = testing::run_program(command);
  if (!status || *status != 0) throw std::runtime_error(command.front() + " failed");
}

class Tree : public Workload {
 public:
  Tree(const Setting& setting, Ledger& ledger)
      : setting_(setting), ledger_(ledger), files_(setting.count(10'000)) {}

  void prepare() override {
    make_archive();
    unpack();
  }
  /// An operation is a file of the tree.
  Sample run() override {
    Sample result = work_off(setting_, ledger_, 1, [this](Caller&, std::size_t) { work(); });
    result.operations = static_cast<double>(files_);
    return result;
  }

 protected:
  virtual void work() = 0;

  void make_archive() const {
    if (std::filesystem::exists(archive())) return;
    const std::filesystem::path content = setting_.scratch / "content";
    const std::vector<std::byte> bytes(kFileBytes, std::byte{'t'});
    for (std::size_t number = 0; number < files_; ++number) {
      const auto directory = content / fmt::format("directory-{:03}", number / kFilesInDirectory);
      std::filesystem::create_directories(directory);
      write_at(open_file(directory / fmt::format("file-{:05}", number), O_WRONLY | O_CREAT), bytes, 0);
    }
    run_to_success({"/bin/tar", "-cf", archive(), "-C", setting_.scratch, "content"});
    std::filesystem::remove_all(content);
  }
  void unpack() const { run_to_success({"/bin/tar", "-xf", archive(), "-C", setting_.directory}); }
  void find() const { run_to_success({"/usr/bin/find", setting_.directory, "-type", "f", "-size", "+1G"}); }
  void remove() const { run_to_success({"/bin/rm", "-r", setting_.directory / "content"}); }

 private:
  [[nodiscard]] std::filesystem::path archive() const {
    return setting_.scratch / fmt::format("files-{}.tar", files_);
  }

  const Setting setting_;
  Ledger& ledger_;
  const std::size_t files_;
};

class Untar final : public Tree {
  using Tree::Tree;
  void prepare() override { make_archive(); }
  void work() override { unpack(); }
};

class Find final : public Tree {
  using Tree::Tree;
  void work() override { find(); }
};

class FindAgain final : public Tree {
  using Tree::Tree;
  void open() override { find(); }
  void work() override { find(); }
};

class RemoveTree final : public Tree {
  using Tree::Tree;
  void work() override { remove(); }
};

}  // namespace

std::vector<WorkloadKind> tree_workloads() {
  return {
      plain("untar", "10,000 files of 4 KiB out of an archive, by tar", {1}, make<Untar>),
      cold(plain("find", "find by size over 10,000 files that the mount does not know yet", {1}, make<Find>)),
      plain("find-again", "the same over files that it knows", {1}, make<FindAgain>),
      cold(plain("remove-tree", "10,000 files by rm -r", {1}, make<RemoveTree>)),
  };
}

}  // namespace sluice::bench
