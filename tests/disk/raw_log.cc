#include "raw_log.h"

#include <fstream>
#include <iterator>
#include <ostream>
#include <string_view>

namespace sluice::testing {
namespace {

constexpr std::size_t kSector = 512;

std::uint64_t little_endian(std::string_view bytes, std::size_t at, std::size_t count) {
  std::uint64_t value = 0;
  for (std::size_t i = count; i-- > 0;) {
    const char byte = at + i < bytes.size() ? bytes[at + i] : '\0';
    value = value << 8U | static_cast<unsigned char>(byte);
  }
  return value;
}

std::string_view part(std::string_view bytes, std::size_t at, std::size_t count) {
  return at < bytes.size() ? bytes.substr(at, count) : std::string_view();
}

}  // namespace

RawLog RawLog::read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  RawLog log;
  log.magic = little_endian(bytes, 0, 8);
  log.version = little_endian(bytes, 8, 8);
  const std::uint64_t count = little_endian(bytes, 16, 8);
  log.sector_bytes = little_endian(bytes, 24, 4);
  std::size_t at = kSector;
  for (std::uint64_t index = 0; index < count && at < bytes.size(); ++index) {
    Entry entry{.sector = little_endian(bytes, at, 8),
                .sectors = little_endian(bytes, at + 8, 8),
                .flags = little_endian(bytes, at + 16, 8),
                .content = {}};
    const std::size_t text_bytes = little_endian(bytes, at + 24, 8);
    entry.content = part(bytes, at + 32, text_bytes);
    at += kSector;
    // A discard has sectors, but nothing that was written to them.
    if ((entry.flags & kRawDiscard) == 0 && entry.sectors > 0) {
      entry.content = part(bytes, at, entry.sectors * kSector);
      at += entry.sectors * kSector;
    }
    log.entries.push_back(std::move(entry));
  }
  log.bytes_left = static_cast<std::int64_t>(bytes.size()) - static_cast<std::int64_t>(at);
  return log;
}

std::ostream& operator<<(std::ostream& out, const RawLog::Entry& entry) {
  return out << "sector " << entry.sector << " +" << entry.sectors << " flags " << entry.flags << " with "
             << entry.content.size() << " bytes";
}

}  // namespace sluice::testing
