#include <fcntl.h>
#include <fmt/format.h>

#include <array>

#include "callers.h"
#include "file_calls.h"
#include "workload_families.h"

// New files that are made durable as they come: every caller in a directory of its own.

namespace sluice::bench {
namespace {

constexpr std::size_t kBytes = 4096;

class OwnDirectories : public Workload {
 public:
  OwnDirectories(const Setting& setting, Ledger& ledger)
      : setting_(setting), ledger_(ledger), files_(setting.callers) {}

  void prepare() override {
    for (unsigned number = 0; number < setting_.callers; ++number) make_directory(path_of(number));
  }
  Sample run() override {
    return repeat(setting_, ledger_,
                  [this](Caller& caller) { work(caller, caller.number(), files_[caller.number()]++); });
  }

 protected:
  virtual void make_directory(const std::filesystem::path& path) { std::filesystem::create_directory(path); }
  /// Makes the file `file` in the directory `number`.
  virtual void work(Caller& caller, unsigned number, std::size_t file) = 0;

  [[nodiscard]] static std::string name_of(unsigned number) { return fmt::format("directory-{}", number); }
  [[nodiscard]] std::filesystem::path path_of(unsigned number) const {
    return setting_.directory / name_of(number);
  }
  [[nodiscard]] const Setting& setting() const { return setting_; }
  /// Written whole, synced and closed; under the directory of the run.
  void write_new_file(const std::string& name) const {
    std::array<std::byte, kBytes> content{};
    stamp(content, 0, 1);
    const UniqueFd file = open_file(setting_.directory / name, O_WRONLY | O_CREAT | O_EXCL);
    write_at(file, content, 0);
    sync_file(file);
  }

 private:
  const Setting setting_;
  Ledger& ledger_;
  /// How many each caller has made.
  std::vector<std::size_t> files_;
};

class Create final : public OwnDirectories {
  using OwnDirectories::OwnDirectories;
  void work(Caller& caller, unsigned number, std::size_t file) override {
    const std::string name = fmt::format("{}/file-{}", name_of(number), file);
    write_new_file(name);
    caller.acknowledged({name, {}, 0, kBytes, 1});
  }
};

/// A maildir: the mail is written to tmp, synced, renamed to new, and new is synced.
class Mail final : public OwnDirectories {
  using OwnDirectories::OwnDirectories;
  void make_directory(const std::filesystem::path& path) override {
    for (const char* part : {"tmp", "new"}) std::filesystem::create_directories(path / part);
  }
  void open() override {
    for (unsigned number = 0; number < setting().callers; ++number) {
      new_.push_back(open_file(path_of(number) / "new", O_RDONLY | O_DIRECTORY));
    }
  }
  void work(Caller& caller, unsigned number, std::size_t file) override {
    const std::string written = fmt::format("{}/tmp/mail-{}", name_of(number), file);
    const std::string delivered = fmt::format("{}/new/mail-{}", name_of(number), file);
    write_new_file(written);
    caller.acknowledged({delivered, written, 0, kBytes, 1});
    rename_file(setting().directory / written, setting().directory / delivered);
    sync_file(new_[number]);
    caller.acknowledged({delivered, {}, 0, kBytes, 1});
  }

  std::vector<UniqueFd> new_;
};

}  // namespace

std::vector<WorkloadKind> delivery_workloads() {
  const std::vector<unsigned> callers{1, 16, 64};
  return {
      syncing("create", "a new file, 4 KiB, fsync, close", callers, make<Create>),
      syncing("mail", "a mail to a maildir: 4 KiB to tmp, fsync, rename to new, fsync of new", callers,
              make<Mail>),
  };
}

}  // namespace sluice::bench
