#include "disk_counters.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <new>
#include <utility>

namespace sluice::testing {
namespace {

Result<void*> map_counters(const UniqueFd& file, int protection) {
  void* const memory = ::mmap(nullptr, sizeof(DiskCounters), protection, MAP_SHARED, file.get(), 0);
  if (memory == MAP_FAILED) return fail_last();
  return memory;
}

}  // namespace

DiskCounts read_counters(const DiskCounters& counters) {
  const auto get = [](const std::atomic<std::uint64_t>& value) {
    return value.load(std::memory_order_acquire);
  };
  return DiskCounts{.reads = get(counters.reads),
                    .read_bytes = get(counters.read_bytes),
                    .writes = get(counters.writes),
                    .write_bytes = get(counters.write_bytes),
                    .discards = get(counters.discards),
                    .flushes = get(counters.flushes),
                    .failed_flushes = get(counters.failed_flushes),
                    .ignored_flushes = get(counters.ignored_flushes),
                    .held_flushes = get(counters.held_flushes),
                    .log_position = get(counters.log_position)};
}

Result<CounterFile> CounterFile::create(const std::filesystem::path& path) {
  const UniqueFd file(path.empty() ? ::memfd_create("disk-counters", MFD_CLOEXEC)
                                   : ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!file.valid()) return fail_last();
  if (::ftruncate(file.get(), sizeof(DiskCounters)) != 0) return fail_last();
  return map_counters(file, PROT_READ | PROT_WRITE).map([](void* memory) {
    return CounterFile(new (memory) DiskCounters());
  });
}

Result<CounterFile> CounterFile::open(const std::filesystem::path& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return fail_last();
  return map_counters(file, PROT_READ).map([](void* memory) {
    return CounterFile(std::launder(static_cast<DiskCounters*>(memory)));
  });
}

CounterFile::CounterFile(CounterFile&& other) noexcept : counters_(std::exchange(other.counters_, nullptr)) {}

CounterFile& CounterFile::operator=(CounterFile&& other) noexcept {
  std::swap(counters_, other.counters_);
  return *this;
}

CounterFile::~CounterFile() {
  if (counters_ != nullptr) ::munmap(counters_, sizeof(DiskCounters));
}

}  // namespace sluice::testing
