#include "os_backend.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "os_sync.h"
#include "sluice/check.h"

namespace sluice {

Result<Fingerprint> OsBackend::fingerprint(int fd) const {
  return fingerprint_of(fd);
}

Result<off_t> OsBackend::size(int fd) const {
  struct statx status {};
  if (::statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &status) != 0) return fail_last();
  return static_cast<off_t>(status.stx_size);
}

timespec OsBackend::wall_clock() const {
  timespec now{};
  SLUICE_CHECK(::clock_gettime(CLOCK_REALTIME, &now) == 0);
  return now;
}

bool OsBackend::stamps_by_wall_clock(int fd) const {
  struct statfs found {};
  if (::fstatfs(fd, &found) != 0) return false;
  return found.f_type == EXT4_SUPER_MAGIC || found.f_type == XFS_SUPER_MAGIC ||
         found.f_type == BTRFS_SUPER_MAGIC || found.f_type == TMPFS_MAGIC;
}

}  // namespace sluice
