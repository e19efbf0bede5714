#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstddef>

#include "sluice/unique_fd.h"

namespace sluice::testing {

/// A mapping of the beginning of a file, which may be one of a mount in this process. When a mapping ends,
/// the kernel waits for its pages to be written back (fuse_vma_close), and meanwhile holds the lock of the
/// address space, which the mount may need to serve just that: malloc(3) and pthread_create(3) map memory. So
/// this leaves nothing to wait for.
class Mapping {
 public:
  Mapping(int fd, std::size_t size, int flags, int protection = PROT_READ | PROT_WRITE)
      : address_(::mmap(nullptr, size, protection, flags, fd, 0)),
        size_(size),
        file_(::fcntl(fd, F_DUPFD_CLOEXEC, 0)) {
    EXPECT_NE(address_, MAP_FAILED);
  }
  ~Mapping() {
    constexpr unsigned kWriteAndWait =
        SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
    ::sync_file_range(file_.get(), 0, 0, kWriteAndWait);
    ::munmap(address_, size_);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  [[nodiscard]] char* bytes() const { return static_cast<char*>(address_); }
  /// msync(2); 0 or -1.
  [[nodiscard]] int sync(int flags) const { return ::msync(address_, size_, flags); }

 private:
  void* address_;
  std::size_t size_;
  /// Of the open file that a mapping keeps open in any case.
  UniqueFd file_;
};

}  // namespace sluice::testing
