#include "sluice/unique_fd.h"

#include <unistd.h>

#include <cerrno>

namespace sluice {

void UniqueFd::reset(int fd) noexcept {
  if (fd_ >= 0) {
    const int saved = errno;
    // The descriptor is gone whatever close(2) returns; on Linux a retry could close somebody else's.
    ::close(fd_);
    errno = saved;
  }
  fd_ = fd;
}

}  // namespace sluice
