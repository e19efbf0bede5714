#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace sluice::fsx {

/// The bytes that a file must hold. Pure; what does not fit the file is the caller's mistake.
class FileModel {
 public:
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] std::span<const char> bytes() const { return bytes_; }
  /// Of `length` bytes from `offset` on, those that lie before the end.
  [[nodiscard]] std::span<const char> part(std::size_t offset, std::size_t length) const;

  void resize(std::size_t size) { bytes_.resize(size); }
  void grow_to(std::size_t size);
  /// Makes the file longer where it must be.
  void write(std::size_t offset, std::span<const char> from);
  /// Does not make it longer.
  void zero(std::size_t offset, std::size_t length);
  void copy(std::size_t from, std::size_t to, std::size_t length);

 private:
  std::vector<char> bytes_;
};

}  // namespace sluice::fsx
