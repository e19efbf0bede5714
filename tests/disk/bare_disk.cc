#include "bare_disk.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <array>
#include <stdexcept>

namespace sluice::testing {
namespace {

using Sector = std::array<std::byte, BareDisk::kSector>;

int number_of(const Result<void>& result) {
  return result ? 0 : result.error().value();
}

}  // namespace

BareDisk::BareDisk() {
  std::string pattern = std::filesystem::temp_directory_path() / "sluice-bare-disk-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make " + pattern);
  directory_ = pattern;
  UniqueFd image(::open((directory_ / "image").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  Result<LogWriter> log = LogWriter::create(directory_ / "log");
  Result<CounterFile> counters = CounterFile::create(directory_ / "counters");
  if (!image.valid() || !log || !counters) throw std::runtime_error("no disk in " + pattern);
  disk_ = std::make_unique<Disk>(std::move(image), std::move(*log), std::move(*counters));
}

BareDisk::~BareDisk() {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

int BareDisk::write(std::uint64_t sector, char content) {
  Sector data;
  data.fill(static_cast<std::byte>(content));
  return number_of(disk_->write(sector * kSector, data));
}

char BareDisk::read(std::uint64_t sector) {
  Sector data{};
  EXPECT_EQ(number_of(disk_->read(sector * kSector, data)), 0);
  return static_cast<char>(data[0]);
}

int BareDisk::flush() {
  disk_->begin_flush();
  return number_of(disk_->finish_flush());
}

RawLog::Entry write_entry(std::uint64_t sector, char content) {
  return {.sector = sector, .sectors = 1, .flags = 0, .content = std::string(BareDisk::kSector, content)};
}

}  // namespace sluice::testing
