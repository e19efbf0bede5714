#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "sluice/unique_fd.h"

namespace sluice::fsx {

/// Memory on a page boundary, as direct I/O of a local file system wants it, or `shift` bytes beyond one.
class PageBuffer {
 public:
  explicit PageBuffer(std::size_t size, std::size_t shift = 0);
  [[nodiscard]] std::span<char> bytes() const { return {begin_, size_}; }

 private:
  std::unique_ptr<char[]> memory_;
  char* begin_;
  std::size_t size_;
};

// These throw std::system_error with the name of the call that failed.
UniqueFd open_file(const std::string& path, int flags);
std::size_t size_of(int fd);
/// As much of the range as the file has.
std::size_t read_range(int fd, std::span<char> into, std::size_t offset);
/// `call` returned a negative `returned`.
[[noreturn]] void throw_errno(const std::string& call);
long checked(long returned, const char* call);

}  // namespace sluice::fsx
