#include "disk_gauge.h"

#include <fstream>
#include <stdexcept>

namespace sluice::bench {
namespace {

constexpr std::string_view kCounters = "counters:";
constexpr std::string_view kDevice = "device:";
/// Of /sys/block/NAME/stat, from 1: "write sectors" and "flush I/Os" (Documentation/block/stat.rst).
constexpr int kWrittenField = 7;
constexpr int kFlushField = 16;
constexpr std::uint64_t kSectorBytes = 512;

}  // namespace

DiskGauge::DiskGauge(const std::string& place) {
  if (place.starts_with(kCounters)) {
    auto opened = testing::CounterFile::open(place.substr(kCounters.size()));
    if (!opened) throw std::runtime_error(place + ": " + opened.error().message());
    counters_.emplace(std::move(*opened));
  } else if (place.starts_with(kDevice)) {
    device_statistics_ = "/sys/block/" + place.substr(kDevice.size()) + "/stat";
    if (!std::ifstream(device_statistics_)) throw std::runtime_error("no " + device_statistics_);
  }
}

std::uint64_t DiskGauge::flushes() const {
  return counters_ ? testing::read_counters(counters_->counters()).flushes : field(kFlushField);
}

std::uint64_t DiskGauge::written_bytes() const {
  return counters_ ? testing::read_counters(counters_->counters()).write_bytes
                   : field(kWrittenField) * kSectorBytes;
}

std::uint64_t DiskGauge::field(int number) const {
  std::uint64_t value = 0;
  if (device_statistics_.empty()) return value;
  std::ifstream statistics(device_statistics_);
  for (int i = 1; i <= number; ++i) statistics >> value;
  return statistics ? value : 0;
}

std::uint64_t DiskGauge::log_position() const {
  return counters_ ? testing::read_counters(counters_->counters()).log_position : 0;
}

}  // namespace sluice::bench
