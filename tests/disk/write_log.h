#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "sluice/result.h"
#include "sluice/unique_fd.h"

namespace sluice::testing {

/// One entry of a write log. In the kernel's format one entry can be several things: a flush that carries a
/// write comes before that write.
struct LogEntry {
  bool flush = false;
  /// The write was durable when it completed, without a flush (REQ_FUA).
  bool fua = false;
  bool discard = false;
  bool mark = false;
  /// What a write or a discard touches; multiples of 512.
  std::uint64_t offset_bytes = 0;
  std::uint64_t length_bytes = 0;
  /// What a write wrote, length_bytes of it. Lives as long as the log.
  std::span<const std::byte> data;
  /// The text of a mark. Lives as long as the log.
  std::string_view text;
};

/// A write log as LogWriter (or the kernel's dm-log-writes, on a device with sectors of 512 bytes) left it,
/// mapped into memory. Immutable, so any thread may read it.
class WriteLog {
 public:
  /// EBADMSG: not a log, or one that is cut off; ENOTSUP: another version or sector size.
  static Result<WriteLog> open(const std::filesystem::path& path);

  WriteLog(WriteLog&& other) noexcept;
  WriteLog& operator=(WriteLog&& other) noexcept;
  WriteLog(const WriteLog&) = delete;
  WriteLog& operator=(const WriteLog&) = delete;
  ~WriteLog();

  /// Position n of the log is between entry n-1 and entry n.
  [[nodiscard]] const std::vector<LogEntry>& entries() const { return entries_; }

 private:
  explicit WriteLog(std::span<std::byte> memory) : memory_(memory) {}
  Result<void> parse();

  std::span<std::byte> memory_;
  std::vector<LogEntry> entries_;
};

}  // namespace sluice::testing
