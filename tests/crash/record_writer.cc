#include "record_writer.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace sluice::testing {

namespace {

constexpr std::uint32_t kMaxSlots = 64;
constexpr std::uint32_t kMaxSlotsAtOnce = 8;
constexpr std::uint32_t kWritesAtOnce = 8;
constexpr std::uint32_t kStepsPerFile = 12;

void must(bool succeeded, const char* what) {
  if (!succeeded) throw std::system_error(errno, std::generic_category(), what);
}

UniqueFd open_or_throw(const std::filesystem::path& path, int flags) {
  UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC, 0644));
  must(fd.valid(), "open");
  return fd;
}

off_t offset_of(std::uint32_t slot) {
  return static_cast<off_t>(slot) * static_cast<off_t>(kRecordBytes);
}

}  // namespace

RecordWriter::RecordWriter(std::filesystem::path directory, std::uint32_t first_file, std::uint64_t seed)
    : directory_(std::move(directory)), random_(seed), file_(first_file) {}

void RecordWriter::step() {
  if (!fd_.valid() || random_below(kStepsPerFile) == 0) return create();
  switch (random_below(7)) {
    case 0:
      return overwrite_and_sync();
    case 1:
      return append_and_sync();
    case 2:
      return write_synchronously();
    case 3:
      return write_mapped_and_sync();
    case 4:
      return write_and_sync_elsewhere();
    case 5:
      return write_without_sync();
    default:
      return rename_and_sync_directory();
  }
}

FilePromise RecordWriter::promise() const {
  return {
      file_, {names_.begin() + static_cast<std::ptrdiff_t>(durable_name_), names_.end()}, durable_versions_};
}

void RecordWriter::create() {
  ++file_;
  names_ = {"file-" + std::to_string(file_)};
  durable_name_ = 0;
  versions_.clear();
  durable_versions_.clear();
  fd_ = open_or_throw(path(), O_RDWR | O_CREAT | O_EXCL);
  write_slots(fd_.get(), 0, 1 + random_below(kMaxSlotsAtOnce));
  must(::fsync(fd_.get()) == 0, "fsync of a new file");
  everything_is_durable();
}

void RecordWriter::overwrite_and_sync() {
  const auto slots = static_cast<std::uint32_t>(versions_.size());
  const std::uint32_t first = random_below(slots);
  write_slots(fd_.get(), first, 1 + random_below(std::min(kMaxSlotsAtOnce, slots - first)));
  sync(fd_.get());
}

void RecordWriter::append_and_sync() {
  const auto slots = static_cast<std::uint32_t>(versions_.size());
  if (slots + kMaxSlotsAtOnce > kMaxSlots) return overwrite_and_sync();
  write_slots(fd_.get(), slots, 1 + random_below(kMaxSlotsAtOnce));
  sync(fd_.get());
}

void RecordWriter::write_synchronously() {
  // The sync is write(2)'s own, and promises what it wrote.
  const UniqueFd fd = open_or_throw(path(), O_RDWR | (random_below(2) == 0 ? O_DSYNC : O_SYNC));
  const std::uint32_t slot = random_below(static_cast<std::uint32_t>(versions_.size()));
  write_slots(fd.get(), slot, 1);
  is_durable(slot);
}

void RecordWriter::write_mapped_and_sync() {
  const std::size_t bytes = versions_.size() * kRecordBytes;
  void* const mapping = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
  must(mapping != MAP_FAILED, "mmap");
  const std::uint32_t slot = random_below(static_cast<std::uint32_t>(versions_.size()));
  versions_[slot] = ++last_version_;
  const RecordBytes record = encode({file_, slot, last_version_});
  std::memcpy(static_cast<char*>(mapping) + offset_of(slot), record.data(), record.size());
  const int synced = ::msync(mapping, bytes, MS_SYNC);
  ::munmap(mapping, bytes);
  must(synced == 0, "msync");
  is_durable(slot);
}

void RecordWriter::write_and_sync_elsewhere() {
  write_slots(fd_.get(), random_below(static_cast<std::uint32_t>(versions_.size())), 1);
  // A handle that is opened after the write, as dpkg does.
  const UniqueFd other = open_or_throw(path(), O_WRONLY);
  sync(other.get());
}

void RecordWriter::rename_and_sync_directory() {
  const std::filesystem::path old_path = path();
  names_.push_back("file-" + std::to_string(file_) + "-" + std::to_string(names_.size()));
  must(::rename(old_path.c_str(), path().c_str()) == 0, "rename");
  const UniqueFd directory = open_or_throw(directory_, O_RDONLY | O_DIRECTORY);
  must(::fsync(directory.get()) == 0, "fsync of the directory");
  durable_name_ = names_.size() - 1;
}

void RecordWriter::write_without_sync() {
  const auto slots = static_cast<std::uint32_t>(versions_.size());
  // A direct write is on the disk at once, but not flushed.
  const UniqueFd fd = open_or_throw(path(), O_RDWR | (random_below(2) == 0 ? O_DIRECT : 0));
  for (std::uint32_t writes = 1 + random_below(kWritesAtOnce); writes > 0; --writes) {
    const std::uint32_t first = random_below(slots);
    write_slots(fd.get(), first, 1 + random_below(std::min(kMaxSlotsAtOnce, slots - first)));
  }
}

std::uint32_t RecordWriter::random_below(std::uint32_t bound) {
  return static_cast<std::uint32_t>(random_() % bound);
}

void RecordWriter::sync(int fd) {
  if (random_below(2) == 0) {
    must(::fsync(fd) == 0, "fsync");
  } else {
    must(::fdatasync(fd) == 0, "fdatasync");
  }
  everything_is_durable();
}

void RecordWriter::is_durable(std::uint32_t slot) {
  if (durable_versions_.size() <= slot) durable_versions_.resize(slot + 1);
  durable_versions_[slot] = versions_[slot];
}

void RecordWriter::write_slots(int fd, std::uint32_t first, std::uint32_t count) {
  // Aligned for direct writes.
  alignas(kRecordBytes) std::array<std::byte, kMaxSlotsAtOnce * kRecordBytes> bytes{};
  if (first + count > versions_.size()) versions_.resize(first + count);
  for (std::uint32_t slot = first; slot < first + count; ++slot) {
    versions_[slot] = ++last_version_;
    const RecordBytes record = encode({file_, slot, last_version_});
    std::ranges::copy(record, bytes.begin() + offset_of(slot - first));
  }
  must(::pwrite(fd, bytes.data(), count * kRecordBytes, offset_of(first)) == offset_of(count), "pwrite");
}

}  // namespace sluice::testing
