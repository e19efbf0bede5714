#include "write_log.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cstring>
#include <optional>
#include <utility>

#include "write_log_format.h"

namespace sluice::testing {
namespace {

using log_format::kSectorBytes;

/// The entry whose description is at the beginning of `rest`; none when it reaches behind the end.
std::optional<LogEntry> parse_entry(std::span<const std::byte> rest) {
  log_format::Entry raw{};
  if (rest.size() < kSectorBytes) return std::nullopt;
  std::memcpy(&raw, rest.data(), sizeof(raw));
  const bool discard = (raw.flags & log_format::kDiscard) != 0;
  LogEntry entry{.flush = (raw.flags & log_format::kFlush) != 0,
                 .fua = (raw.flags & log_format::kFua) != 0,
                 .discard = discard,
                 .mark = (raw.flags & log_format::kMark) != 0,
                 .offset_bytes = raw.sector * kSectorBytes,
                 .length_bytes = raw.sectors * kSectorBytes,
                 .data = {},
                 .text = {}};
  if (entry.mark) {
    if (raw.text_bytes > log_format::kTextBytesMax) return std::nullopt;
    const std::span<const std::byte> text = rest.subspan(sizeof(raw), raw.text_bytes);
    entry.text = {reinterpret_cast<const char*>(text.data()), text.size()};
  } else if (!discard) {
    if (raw.sectors > (rest.size() - kSectorBytes) / kSectorBytes) return std::nullopt;
    entry.data = rest.subspan(kSectorBytes, entry.length_bytes);
  }
  return entry;
}

}  // namespace

Result<WriteLog> WriteLog::open(const std::filesystem::path& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return fail_last();
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return fail_last();
  const auto bytes = static_cast<std::size_t>(status.st_size);
  if (bytes < kSectorBytes) return fail(EBADMSG);
  void* const memory = ::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (memory == MAP_FAILED) return fail_last();
  WriteLog log(std::span(static_cast<std::byte*>(memory), bytes));
  return log.parse().map([&] { return std::move(log); });
}

Result<void> WriteLog::parse() {
  log_format::Header header{};
  std::memcpy(&header, memory_.data(), sizeof(header));
  if (header.magic != log_format::kMagic) return fail(EBADMSG);
  if (header.version != log_format::kVersion || header.sector_bytes != kSectorBytes) return fail(ENOTSUP);
  std::span<const std::byte> rest = std::span<const std::byte>(memory_).subspan(kSectorBytes);
  for (std::uint64_t i = 0; i < header.entries; ++i) {
    const std::optional<LogEntry> entry = parse_entry(rest);
    if (!entry) return fail(EBADMSG);
    entries_.push_back(*entry);
    rest = rest.subspan(kSectorBytes + entry->data.size());
  }
  return {};
}

WriteLog::WriteLog(WriteLog&& other) noexcept
    : memory_(std::exchange(other.memory_, {})), entries_(std::move(other.entries_)) {}

WriteLog& WriteLog::operator=(WriteLog&& other) noexcept {
  std::swap(memory_, other.memory_);
  std::swap(entries_, other.entries_);
  return *this;
}

WriteLog::~WriteLog() {
  if (!memory_.empty()) ::munmap(memory_.data(), memory_.size());
}

}  // namespace sluice::testing
