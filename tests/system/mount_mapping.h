#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstddef>

namespace sluice::testing {

/// A mapping of the beginning of a file.
class Mapping {
 public:
  Mapping(int fd, std::size_t size, int flags, int protection = PROT_READ | PROT_WRITE)
      : address_(::mmap(nullptr, size, protection, flags, fd, 0)), size_(size) {
    EXPECT_NE(address_, MAP_FAILED);
  }
  ~Mapping() { ::munmap(address_, size_); }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  [[nodiscard]] char* bytes() const { return static_cast<char*>(address_); }
  /// msync(2); 0 or -1.
  [[nodiscard]] int sync(int flags) const { return ::msync(address_, size_, flags); }

 private:
  void* address_;
  std::size_t size_;
};

}  // namespace sluice::testing
