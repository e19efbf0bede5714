#include "os_sync.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <limits>

namespace sluice {
namespace {

// The kernel's own "start this call again" (ERESTARTSYS to ERESTART_RESTARTBLOCK). fsync(2) turns them into
// a second run or EINTR before it returns; io_uring hands out what the file system said.
constexpr int kFirstRestart = 512;
constexpr int kLastRestart = 516;

bool interrupted(int error) {
  return error == EINTR || (error >= kFirstRestart && error <= kLastRestart);
}

timespec to_timespec(const statx_timestamp& stamp) {
  return {.tv_sec = stamp.tv_sec, .tv_nsec = stamp.tv_nsec};
}

}  // namespace

int sync_file(int fd, SyncKind kind) {
  const int result = kind == SyncKind::data ? ::fdatasync(fd) : ::fsync(fd);
  return result == 0 ? 0 : errno;
}

IoCompletion completion_of(IoToken token, int error) {
  if (error == 0) return {.token = token, .outcome = IoOutcome::succeeded};
  if (interrupted(error)) return {.token = token, .outcome = IoOutcome::never_ran, .error = Errno(EINTR)};
  // ECANCELED too is a failure: no backend cancels, so it is the file system's own word, and a sync that is
  // called failed without need does less harm than one that is asked twice.
  return {.token = token, .outcome = IoOutcome::failed, .error = answerable(Errno(error))};
}

Errno answerable(Errno error) {
  return error == Errno(ENOSYS) ? Errno(EIO) : error;
}

std::optional<Errno> take_unreported_error(int fd) {
  // The last byte that a file can have: nothing is written there, so that nothing has to be waited for.
  constexpr off_t kLastByte = std::numeric_limits<off_t>::max() - 1;
  if (::sync_file_range(fd, kLastByte, 1, SYNC_FILE_RANGE_WAIT_BEFORE) == 0) return std::nullopt;
  if (errno == ESPIPE || errno == ENOSYS || errno == EPERM) return std::nullopt;  // Not to be had here.
  return answerable(Errno::last());
}

Result<Fingerprint> fingerprint_of(int fd) {
  struct statx status {};
  if (::statx(fd, "", AT_EMPTY_PATH, STATX_SIZE | STATX_MTIME | STATX_CTIME, &status) != 0)
    return fail_last();
  return Fingerprint{.size = static_cast<off_t>(status.stx_size),
                     .mtime = to_timespec(status.stx_mtime),
                     .ctime = to_timespec(status.stx_ctime)};
}

}  // namespace sluice
