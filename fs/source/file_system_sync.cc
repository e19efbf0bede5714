#include "source/file_system_sync.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "sluice/unique_fd.h"

namespace sluicefs {

using sluice::fail_last;
using sluice::Result;
using sluice::UniqueFd;

namespace {

Result<void> sync(int fd) {
  if (::fsync(fd) != 0) return fail_last();
  return {};
}

/// A read-only or full file system, or one without O_TMPFILE: syncfs alone must do, and there is nothing to
/// report.
Result<void> flush_device(int fd) {
  const UniqueFd file(::openat(fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
  if (!file.valid()) return errno == ENOTDIR ? sync(fd) : Result<void>();
  constexpr char kByte = 0;
  if (::write(file.get(), &kByte, 1) != 1) return {};
  return sync(file.get());
}

}  // namespace

Result<void> sync_file_system(int fd) {
  if (::syncfs(fd) != 0) return fail_last();
  return flush_device(fd);
}

}  // namespace sluicefs
