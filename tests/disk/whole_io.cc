#include "whole_io.h"

#include <unistd.h>

#include <algorithm>

namespace sluice::testing {

Result<void> write_whole(int fd, std::span<const std::byte> data, std::uint64_t offset_bytes) {
  while (!data.empty()) {
    const ssize_t written = ::pwrite(fd, data.data(), data.size(), static_cast<off_t>(offset_bytes));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_last();
    data = data.subspan(static_cast<std::size_t>(written));
    offset_bytes += static_cast<std::uint64_t>(written);
  }
  return {};
}

Result<void> read_whole(int fd, std::span<std::byte> data, std::uint64_t offset_bytes) {
  while (!data.empty()) {
    const ssize_t got = ::pread(fd, data.data(), data.size(), static_cast<off_t>(offset_bytes));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_last();
    if (got == 0) {
      std::ranges::fill(data, std::byte{0});
      return {};
    }
    data = data.subspan(static_cast<std::size_t>(got));
    offset_bytes += static_cast<std::uint64_t>(got);
  }
  return {};
}

}  // namespace sluice::testing
