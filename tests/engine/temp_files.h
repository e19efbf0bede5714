#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "sluice/ids.h"
#include "sluice/unique_fd.h"

namespace sluice::testing {

/// A private directory under TMPDIR (or /tmp) with open, empty files; gone with the object.
class TempFiles {
 public:
  explicit TempFiles(std::size_t count = 1);
  ~TempFiles();
  TempFiles(const TempFiles&) = delete;
  TempFiles& operator=(const TempFiles&) = delete;

  [[nodiscard]] const SharedFd& descriptor(std::size_t index = 0) const { return descriptors_.at(index); }
  [[nodiscard]] int fd(std::size_t index = 0) const { return descriptor(index)->get(); }
  [[nodiscard]] std::string path(std::size_t index = 0) const;
  /// Device and inode of the file.
  [[nodiscard]] FileKey key(std::size_t index = 0) const;
  [[nodiscard]] std::size_t count() const { return descriptors_.size(); }
  /// Another open file description of the file.
  [[nodiscard]] SharedFd reopen(std::size_t index = 0) const;

 private:
  std::string directory_;
  std::vector<SharedFd> descriptors_;
};

/// Writes `bytes` bytes at the start of the file; dies when it cannot.
void write_bytes(int fd, std::size_t bytes);

}  // namespace sluice::testing
