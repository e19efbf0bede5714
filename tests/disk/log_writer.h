#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

#include "sluice/result.h"
#include "sluice/unique_fd.h"
#include "write_log_format.h"

namespace sluice::testing {

/// Appends to a write log. The position is the number of entries so far. Not thread-safe: the disk's lock
/// orders it. After an error the log is of no use, and every later call fails with the same error.
class LogWriter {
 public:
  static Result<LogWriter> create(const std::filesystem::path& path);

  /// REQUIRES: offset and size are multiples of 512.
  Result<void> append_write(std::uint64_t offset_bytes, std::span<const std::byte> data);
  /// REQUIRES: offset and length are multiples of 512.
  Result<void> append_discard(std::uint64_t offset_bytes, std::uint64_t length_bytes);
  Result<void> append_flush();
  /// ENAMETOOLONG for a text that does not fit into one sector.
  Result<void> append_mark(std::string_view text);

  [[nodiscard]] std::uint64_t position() const { return entries_; }

 private:
  explicit LogWriter(UniqueFd file) : file_(std::move(file)) {}

  Result<void> append(const log_format::Entry& entry, std::string_view text, std::span<const std::byte> data);
  Result<void> write_header();

  UniqueFd file_;
  std::uint64_t entries_ = 0;
  std::uint64_t end_bytes_ = log_format::kSectorBytes;
  int error_ = 0;
};

}  // namespace sluice::testing
