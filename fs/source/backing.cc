#include "source/backing.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstdio>

namespace sluicefs::backing {

using sluice::fail_last;
using sluice::Result;
using sluice::UniqueFd;

namespace {

/// The name under which the kernel offers the inode behind a descriptor, O_PATH or not, to calls that take a
/// path.
class ProcPath {
 public:
  explicit ProcPath(int fd) { std::snprintf(path_.data(), path_.size(), "/proc/self/fd/%d", fd); }
  [[nodiscard]] const char* get() const { return path_.data(); }

 private:
  std::array<char, 32> path_{};
};

Result<void> done(int returned) {
  if (returned != 0) return fail_last();
  return {};
}

Result<std::size_t> counted(ssize_t returned) {
  if (returned < 0) return fail_last();
  return static_cast<std::size_t>(returned);
}

timespec time_of(const statx_timestamp& stamp) {
  return {stamp.tv_sec, static_cast<long>(stamp.tv_nsec)};
}

}  // namespace

Result<UniqueFd> open_at(int directory, const char* name, int flags, mode_t mode) {
  UniqueFd fd(::openat(directory, name, flags | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!fd.valid()) return fail_last();
  return fd;
}

Result<UniqueFd> find_within_mount(int directory, const char* name) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC | O_NOFOLLOW;
  how.resolve = RESOLVE_NO_XDEV;
  UniqueFd fd(static_cast<int>(::syscall(SYS_openat2, directory, name, &how, sizeof how)));
  if (!fd.valid()) return fail_last();
  return fd;
}

Result<dev_t> device_of(int fd) {
  struct statx from {};
  constexpr int kFlags = AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC;
  if (::statx(fd, "", kFlags, 0, &from) != 0) return fail_last();
  return makedev(from.stx_dev_major, from.stx_dev_minor);
}

Result<UniqueFd> reopen(int fd, int flags) {
  // The magic link must be followed; what it leads to is the inode itself, so no symlink of the source is.
  UniqueFd opened(::open(ProcPath(fd).get(), (flags & ~O_NOFOLLOW) | O_CLOEXEC));
  if (!opened.valid()) return fail_last();
  return opened;
}

Result<Attributes> attributes(int fd) {
  struct statx from {};
  constexpr unsigned kAsked = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID;
  if (::statx(fd, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, kAsked, &from) != 0) return fail_last();
  Attributes to{};
  to.stat.st_dev = makedev(from.stx_dev_major, from.stx_dev_minor);
  to.stat.st_ino = from.stx_ino;
  to.stat.st_mode = from.stx_mode;
  to.stat.st_nlink = from.stx_nlink;
  to.stat.st_uid = from.stx_uid;
  to.stat.st_gid = from.stx_gid;
  to.stat.st_rdev = makedev(from.stx_rdev_major, from.stx_rdev_minor);
  to.stat.st_size = static_cast<off_t>(from.stx_size);
  to.stat.st_blksize = from.stx_blksize;
  to.stat.st_blocks = static_cast<blkcnt_t>(from.stx_blocks);
  to.stat.st_atim = time_of(from.stx_atime);
  to.stat.st_mtim = time_of(from.stx_mtime);
  to.stat.st_ctim = time_of(from.stx_ctime);
  to.mount_id = static_cast<int>(from.stx_mnt_id);
  if ((from.stx_mask & STATX_BTIME) != 0) {
    to.birth_nanoseconds =
        static_cast<std::uint64_t>(from.stx_btime.tv_sec) * 1'000'000'000U + from.stx_btime.tv_nsec;
  }
  return to;
}

Result<void> change_mode(int fd, mode_t mode) {
  return done(::fchmodat(AT_FDCWD, ProcPath(fd).get(), mode, 0));
}

Result<void> change_owner(int fd, uid_t uid, gid_t gid) {
  return done(::fchownat(fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW));
}

Result<void> change_times(int fd, const timespec& access, const timespec& modification) {
  const std::array<timespec, 2> times{access, modification};
  return done(::utimensat(AT_FDCWD, ProcPath(fd).get(), times.data(), 0));
}

Result<void> resize(int fd, off_t size) {
  return done(::ftruncate(fd, size));
}

Result<void> resize_by_path(int fd, off_t size) {
  return done(::truncate(ProcPath(fd).get(), size));
}

unsigned long mount_flags(int fd) {
  struct statvfs statistics {};
  if (::fstatvfs(fd, &statistics) != 0) return ST_NOSUID | ST_NODEV | ST_NOEXEC;
  return statistics.f_flag;
}

Result<struct statvfs> statistics(int fd) {
  struct statvfs statistics {};
  if (::fstatvfs(fd, &statistics) != 0) return fail_last();
  return statistics;
}

Result<void> set_xattr(int fd, const char* name, std::span<const char> value, int flags) {
  return done(::setxattr(ProcPath(fd).get(), name, value.data(), value.size(), flags));
}

Result<std::size_t> get_xattr(int fd, const char* name, std::span<char> value) {
  return counted(::getxattr(ProcPath(fd).get(), name, value.data(), value.size()));
}

Result<std::size_t> list_xattrs(int fd, std::span<char> names) {
  return counted(::listxattr(ProcPath(fd).get(), names.data(), names.size()));
}

Result<void> remove_xattr(int fd, const char* name) {
  return done(::removexattr(ProcPath(fd).get(), name));
}

Result<void> make_directory(int directory, const char* name, mode_t mode) {
  return done(::mkdirat(directory, name, mode));
}

Result<void> make_node(int directory, const char* name, mode_t mode, dev_t device) {
  return done(::mknodat(directory, name, mode, device));
}

Result<void> make_symlink(const char* target, int directory, const char* name) {
  return done(::symlinkat(target, directory, name));
}

Result<void> link(int fd, int directory, const char* name) {
  return done(::linkat(AT_FDCWD, ProcPath(fd).get(), directory, name, AT_SYMLINK_FOLLOW));
}

Result<void> unlink(int directory, const char* name, int flags) {
  return done(::unlinkat(directory, name, flags));
}

Result<void> rename(int from, const char* name, int to, const char* new_name, unsigned flags) {
  return done(::renameat2(from, name, to, new_name, flags));
}

Result<std::string> read_link(int fd) {
  std::string target(PATH_MAX, '\0');
  const ssize_t length = ::readlinkat(fd, "", target.data(), target.size());
  if (length < 0) return fail_last();
  if (static_cast<std::size_t>(length) == target.size()) return sluice::fail(ENAMETOOLONG);
  target.resize(static_cast<std::size_t>(length));
  return target;
}

Result<std::size_t> read(int fd, std::span<char> into, off_t offset) {
  return counted(::pread(fd, into.data(), into.size(), offset));
}

Result<std::size_t> write(int fd, std::span<const char> from, off_t offset, bool append) {
  std::size_t written = 0;
  while (written < from.size()) {
    const iovec rest{const_cast<char*>(from.data()) + written, from.size() - written};
    const off_t at = offset + static_cast<off_t>(written);
    const ssize_t returned =
        append ? ::pwritev2(fd, &rest, 1, at, RWF_APPEND) : ::pwrite(fd, rest.iov_base, rest.iov_len, at);
    if (returned < 0 && errno == EINTR) continue;
    if (returned < 0 && written == 0) return fail_last();
    if (returned <= 0) break;
    written += static_cast<std::size_t>(returned);
  }
  return written;
}

Result<void> allocate(int fd, int mode, off_t offset, off_t length) {
  return done(::fallocate(fd, mode, offset, length));
}

Result<std::size_t> copy_range(int from, off_t from_offset, int to, off_t to_offset, std::size_t length) {
  return counted(::copy_file_range(from, &from_offset, to, &to_offset, length, 0));
}

Result<off_t> seek(int fd, off_t offset, int whence) {
  const off_t at = ::lseek(fd, offset, whence);
  if (at < 0) return fail_last();
  return at;
}

Result<std::size_t> read_directory(int fd, std::span<char> into) {
  return counted(::syscall(SYS_getdents64, fd, into.data(), into.size()));
}

}  // namespace sluicefs::backing
