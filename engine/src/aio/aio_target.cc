#include "aio/aio_target.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <cstdint>
#include <utility>

namespace sluice {
namespace {

Result<struct statx> status_of(int fd) {
  struct statx status {};
  if (::statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &status) != 0) return fail_last();
  return status;
}

/// Names the file beyond the life of this descriptor: the time of birth tells two owners of an inode number
/// apart. All nodes of a block device are one file; no file has the inode number 0.
FileKey key_of(const struct statx& status) {
  if (S_ISBLK(status.stx_mode)) return {.device = makedev(status.stx_rdev_major, status.stx_rdev_minor)};
  const auto nanoseconds = static_cast<std::uint64_t>(status.stx_btime.tv_nsec);
  return {.device = makedev(status.stx_dev_major, status.stx_dev_minor),
          .inode = status.stx_ino,
          .generation = static_cast<std::uint64_t>(status.stx_btime.tv_sec) * 1'000'000'000 + nanoseconds};
}

}  // namespace

Result<AioTarget> find_target(DuplicateSet& duplicates, int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0) return fail_last();
  if ((flags & O_PATH) != 0) return fail(EBADF);
  const Result<struct statx> status = status_of(fd);
  if (!status) return fail(status.error());
  const mode_t mode = status->stx_mode;
  if (!S_ISREG(mode) && !S_ISDIR(mode) && !S_ISBLK(mode)) return fail(EOPNOTSUPP);
  Result<SharedFd> duplicate = duplicates.duplicate(fd);
  if (!duplicate) return fail(duplicate.error());
  return AioTarget{
      .descriptor = std::move(*duplicate), .file = key_of(*status), .appends = (flags & O_APPEND) != 0};
}

}  // namespace sluice
