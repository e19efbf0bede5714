#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "callers.h"
#include "file_calls.h"
#include "workload_families.h"

// Names and attributes of empty files, every caller in a directory of its own.

namespace sluice::bench {
namespace {

class Names : public Workload {
 public:
  Names(const Setting& setting, Ledger& ledger) : Names(setting, ledger, 5000) {}
  Names(const Setting& setting, Ledger& ledger, std::size_t count)
      : setting_(setting), ledger_(ledger), count_(setting.count(count)) {}

  void prepare() override {
    for (unsigned number = 0; number < setting_.callers; ++number) {
      std::filesystem::create_directory(directory_of(number));
    }
    for (std::size_t number = 0; has_files() && number < count_; ++number) {
      (void)open_file(path_of(number), O_WRONLY | O_CREAT | O_EXCL);
    }
  }
  Sample run() override {
    return work_off(setting_, ledger_, count_,
                    [this](Caller&, std::size_t number) { work(path_of(number)); });
  }

 protected:
  [[nodiscard]] virtual bool has_files() const { return true; }
  virtual void work(const std::filesystem::path& path) = 0;
  [[nodiscard]] Sample stat_all() {
    return work_off(setting_, ledger_, count_, [this](Caller&, std::size_t number) {
      struct stat status {};
      if (::stat(path_of(number).c_str(), &status) != 0) throw_errno("stat");
    });
  }
  [[nodiscard]] const Setting& setting() const { return setting_; }
  [[nodiscard]] Ledger& ledger() { return ledger_; }
  [[nodiscard]] std::filesystem::path directory_of(std::size_t caller) const {
    return setting_.directory / fmt::format("directory-{}", caller);
  }

 private:
  [[nodiscard]] std::filesystem::path path_of(std::size_t number) const {
    return directory_of(number % setting_.callers) / fmt::format("name-{:05}", number);
  }

  const Setting setting_;
  Ledger& ledger_;
  const std::size_t count_;
};

class CreateNames final : public Names {
  using Names::Names;
  [[nodiscard]] bool has_files() const override { return false; }
  void work(const std::filesystem::path& path) override {
    (void)open_file(path, O_WRONLY | O_CREAT | O_EXCL);
  }
};

class Stat final : public Names {
  using Names::Names;
  Sample run() override { return stat_all(); }
  void work(const std::filesystem::path& /*path*/) override {}
};

class StatAgain final : public Names {
  using Names::Names;
  void open() override { (void)stat_all(); }
  Sample run() override { return stat_all(); }
  void work(const std::filesystem::path& /*path*/) override {}
};

/// An operation is a name that was read.
class ReadDirectories final : public Names {
  using Names::Names;
  Sample run() override {
    std::vector<double> names(setting().callers);
    Sample result = work_off(setting(), ledger(), setting().callers, [&](Caller&, std::size_t number) {
      for (const auto& entry : std::filesystem::directory_iterator(directory_of(number))) {
        names[number] += entry.path().empty() ? 0 : 1;
      }
    });
    result.operations = 0;
    for (const double count : names) result.operations += count;
    return result;
  }
  void work(const std::filesystem::path& /*path*/) override {}
};

class Unlink final : public Names {
  using Names::Names;
  void work(const std::filesystem::path& path) override { unlink_file(path); }
};

/// An operation is a file that the mount has come to know.
class KnownInodes final : public Names {
 public:
  KnownInodes(const Setting& setting, Ledger& ledger) : Names(setting, ledger, 50'000) {}
  Sample run() override { return stat_all(); }
  void work(const std::filesystem::path& /*path*/) override {}
};

WorkloadKind known_inodes() {
  WorkloadKind kind = cold(plain("known-inodes", "what a server has for each of 50,000 files that it knows",
                                 {1}, make<KnownInodes>));
  kind.figures = {
      {"memory", "bytes each", Better::lower,
       [](const Sample& sample) { return sample.server.memory_bytes / sample.operations; }},
      {"descriptors", "in all", Better::lower,
       [](const Sample& sample) { return sample.server.descriptors; }},
  };
  return kind;
}

}  // namespace

std::vector<WorkloadKind> name_workloads() {
  return {
      plain("create-names", "5,000 empty files", {1}, make<CreateNames>),
      cold(plain("stat", "5,000 files that the mount does not know yet", {1}, make<Stat>)),
      plain("stat-again", "5,000 files again", {1}, make<StatAgain>),
      cold(plain("readdir", "a directory of 5,000 names", {1}, make<ReadDirectories>)),
      cold(plain("unlink", "5,000 files that the mount does not know yet", {1}, make<Unlink>)),
      known_inodes(),
  };
}

}  // namespace sluice::bench
