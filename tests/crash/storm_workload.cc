#include "storm_workload.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <random>
#include <system_error>
#include <thread>

namespace sluice::testing {

namespace {

constexpr std::uint32_t kSlots = 4;

void must(bool succeeded, const char* what) {
  if (!succeeded) throw std::system_error(errno, std::generic_category(), what);
}

/// One file of a storm.
class StormFile {
 public:
  StormFile(const std::filesystem::path& directory, std::uint32_t number)
      : number_(number),
        name_("file-" + std::to_string(number)),
        unpacked_(directory / (name_ + ".new")),
        installed_(directory / name_) {}

  /// All slots, with a new version.
  void write(int flags) {
    const UniqueFd fd(::open(unpacked_.c_str(), flags | O_WRONLY | O_CLOEXEC, 0644));
    must(fd.valid(), "open");
    ++version_;
    for (std::uint32_t slot = 0; slot < kSlots; ++slot) {
      const RecordBytes record = encode({number_, slot, version_});
      const auto offset = static_cast<off_t>(slot * record.size());
      must(::pwrite(fd.get(), record.data(), record.size(), offset) == static_cast<ssize_t>(record.size()),
           "pwrite");
    }
  }
  void sync() const {
    const UniqueFd fd(::open(unpacked_.c_str(), O_WRONLY | O_CLOEXEC));
    must(fd.valid(), "open");
    must(::fsync(fd.get()) == 0, "fsync");
  }
  void install() const { must(::rename(unpacked_.c_str(), installed_.c_str()) == 0, "rename"); }
  /// Of what has been synced.
  [[nodiscard]] FilePromise promise() const {
    return {number_, {name_ + ".new", name_}, std::vector<std::uint64_t>(kSlots, version_)};
  }

 private:
  const std::uint32_t number_;
  const std::string name_;
  const std::filesystem::path unpacked_;
  const std::filesystem::path installed_;
  std::uint64_t version_ = 0;
};

}  // namespace

void StormWorkload::run(const std::filesystem::path& directory, const LogPosition& position) {
  std::vector<std::thread> threads;
  std::vector<std::exception_ptr> failures(options_.callers);
  for (unsigned caller = 0; caller < options_.callers; ++caller) {
    threads.emplace_back([&, caller] {
      try {
        make_storms(directory, position, caller);
      } catch (...) {
        failures[caller] = std::current_exception();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
}

void StormWorkload::make_storms(const std::filesystem::path& directory, const LogPosition& position,
                                unsigned caller) {
  constexpr unsigned kOneInSoManyIsWrittenAgain = 6;
  std::mt19937_64 random(options_.seed * 1000 + caller);
  std::uint32_t number = caller * options_.rounds * options_.files_per_round;
  for (unsigned round = 0; round < options_.rounds; ++round) {
    std::vector<StormFile> files;
    for (unsigned i = 0; i < options_.files_per_round; ++i) files.emplace_back(directory, number++);
    for (StormFile& file : files) file.write(O_CREAT | O_EXCL);
    for (StormFile& file : files) {
      if (random() % kOneInSoManyIsWrittenAgain == 0) file.write(0);
      file.sync();
      note(position(), file.promise());
      file.install();
    }
  }
}

}  // namespace sluice::testing
