#include "mapped_file.h"

#include <sys/mman.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace sluice::fsx {

MappedFile::MappedFile(int fd, std::size_t length, int flags) : length_(length) {
  const int protection = flags == MAP_SHARED ? PROT_READ | PROT_WRITE : PROT_READ;
  address_ = ::mmap(nullptr, length, protection, flags, fd, 0);
  if (address_ == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
}

MappedFile::~MappedFile() {
  if (address_ != nullptr) ::munmap(address_, length_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : address_(std::exchange(other.address_, nullptr)), length_(std::exchange(other.length_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(address_, other.address_);
  std::swap(length_, other.length_);
  return *this;
}

int MappedFile::sync() const {
  return ::msync(address_, length_, MS_SYNC);
}

}  // namespace sluice::fsx
