#pragma once

#include <cstddef>

namespace sluice::fsx {

/// A mapping of a file from its beginning, perhaps beyond its end, where nobody may touch it.
class MappedFile {
 public:
  MappedFile() = default;
  /// `flags` is MAP_SHARED, for reading and writing, or MAP_PRIVATE, for reading. Throws std::system_error.
  MappedFile(int fd, std::size_t length, int flags);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  [[nodiscard]] char* at(std::size_t offset) const { return static_cast<char*>(address_) + offset; }
  /// msync(2) of all of it, waiting for the disk; 0 or -1.
  [[nodiscard]] int sync() const;

 private:
  void* address_ = nullptr;
  std::size_t length_ = 0;
};

}  // namespace sluice::fsx
