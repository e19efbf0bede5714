#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sluice/result.h"
#include "sluice/unique_fd.h"

namespace sluice::testing {

/// The contents of a disk in memory: a file without a name that costs only the pages which were written, and
/// that a loop device can take. Not thread-safe.
class MemoryImage {
 public:
  /// All zeros. REQUIRES: `size_bytes` is a multiple of 4096.
  static Result<MemoryImage> create(std::uint64_t size_bytes);

  MemoryImage(MemoryImage&& other) noexcept;
  MemoryImage& operator=(MemoryImage&& other) noexcept;
  MemoryImage(const MemoryImage&) = delete;
  MemoryImage& operator=(const MemoryImage&) = delete;
  ~MemoryImage();

  /// REQUIRES: the range lies within the image.
  void write(std::uint64_t offset_bytes, std::span<const std::byte> data);
  void zero(std::uint64_t offset_bytes, std::uint64_t length_bytes);
  [[nodiscard]] std::span<const std::byte> bytes() const { return memory_; }

  /// An image of its own with what write() and zero() left here; what others wrote to file() is not in it.
  [[nodiscard]] Result<MemoryImage> copy() const;

  /// Changes made through the file and through write() are the same.
  [[nodiscard]] const UniqueFd& file() const { return file_; }

 private:
  MemoryImage(UniqueFd file, std::span<std::byte> memory);

  UniqueFd file_;
  std::span<std::byte> memory_;
  std::vector<bool> written_;  // By page; the others hold zeros.
};

}  // namespace sluice::testing
