#include "log_writer.h"

#include <fcntl.h>

#include <array>
#include <cstring>

#include "whole_io.h"

namespace sluice::testing {

using log_format::Entry;
using log_format::kSectorBytes;
using Sector = std::array<std::byte, kSectorBytes>;

Result<LogWriter> LogWriter::create(const std::filesystem::path& path) {
  LogWriter log(UniqueFd(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)));
  if (!log.file_.valid()) return fail_last();
  return log.write_header().map([&] { return std::move(log); });
}

Result<void> LogWriter::append_write(std::uint64_t offset_bytes, std::span<const std::byte> data) {
  if (offset_bytes % kSectorBytes != 0 || data.size() % kSectorBytes != 0) return fail(EINVAL);
  return append(Entry{.sector = offset_bytes / kSectorBytes,
                      .sectors = data.size() / kSectorBytes,
                      .flags = 0,
                      .text_bytes = 0},
                {}, data);
}

Result<void> LogWriter::append_discard(std::uint64_t offset_bytes, std::uint64_t length_bytes) {
  if (offset_bytes % kSectorBytes != 0 || length_bytes % kSectorBytes != 0) return fail(EINVAL);
  return append(Entry{.sector = offset_bytes / kSectorBytes,
                      .sectors = length_bytes / kSectorBytes,
                      .flags = log_format::kDiscard,
                      .text_bytes = 0},
                {}, {});
}

Result<void> LogWriter::append_flush() {
  return append(Entry{.sector = 0, .sectors = 0, .flags = log_format::kFlush, .text_bytes = 0}, {}, {});
}

Result<void> LogWriter::append_mark(std::string_view text) {
  if (text.size() > log_format::kTextBytesMax) return fail(ENAMETOOLONG);
  return append(Entry{.sector = 0, .sectors = 0, .flags = log_format::kMark, .text_bytes = text.size()}, text,
                {});
}

Result<void> LogWriter::append(const Entry& entry, std::string_view text, std::span<const std::byte> data) {
  if (error_ != 0) return fail(error_);
  Sector sector{};
  std::memcpy(sector.data(), &entry, sizeof(entry));
  if (!text.empty()) std::memcpy(sector.data() + sizeof(entry), text.data(), text.size());
  Result<void> done = write_whole(file_.get(), sector, end_bytes_).and_then([&] {
    return write_whole(file_.get(), data, end_bytes_ + kSectorBytes);
  });
  if (done) {
    ++entries_;
    end_bytes_ += kSectorBytes + data.size();
    done = write_header();
  }
  if (!done) error_ = done.error().value();
  return done;
}

// Written anew with each entry, so that the log of a server that was killed is complete too.
Result<void> LogWriter::write_header() {
  const log_format::Header header{.magic = log_format::kMagic,
                                  .version = log_format::kVersion,
                                  .entries = entries_,
                                  .sector_bytes = kSectorBytes};
  Sector sector{};
  std::memcpy(sector.data(), &header, sizeof(header));
  return write_whole(file_.get(), sector, 0);
}

}  // namespace sluice::testing
