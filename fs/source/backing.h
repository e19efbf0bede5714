#pragma once

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>

#include "sluice/result.h"
#include "sluice/unique_fd.h"

/// The system calls on the source, each with its errno captured at once. Names are single components that
/// came from the kernel; nothing here follows a symlink. `fd` may be an O_PATH descriptor where the comment
/// says so.
namespace sluicefs::backing {

/// What statx(2) says, with what struct stat has no room for.
struct Attributes {
  struct stat stat;
  std::uint64_t birth_nanoseconds;  ///< 0 where the file system keeps none
  int mount_id;                     ///< of the mount that it was met on, as in mountinfo
};

// Descriptors. `flags` always gets O_CLOEXEC | O_NOFOLLOW.
sluice::Result<sluice::UniqueFd> open_at(int directory, const char* name, int flags, mode_t mode = 0);
/// An O_PATH descriptor of the name; EXDEV when something is mounted there.
sluice::Result<sluice::UniqueFd> find_within_mount(int directory, const char* name);
/// The st_dev, without asking a server for anything.
sluice::Result<dev_t> device_of(int fd);
/// A new open file of the inode behind `fd` (O_PATH will do), by way of /proc/self/fd.
sluice::Result<sluice::UniqueFd> reopen(int fd, int flags);

// Attributes; O_PATH will do for all but resize.
sluice::Result<Attributes> attributes(int fd);
sluice::Result<void> change_mode(int fd, mode_t mode);
sluice::Result<void> change_owner(int fd, uid_t uid, gid_t gid);
sluice::Result<void> change_times(int fd, const timespec& access, const timespec& modification);
sluice::Result<void> resize(int fd, off_t size);
/// As truncate(2), which leaves the times alone when the size does not change; ftruncate(2) does not.
sluice::Result<void> resize_by_path(int fd, off_t size);
sluice::Result<struct statvfs> statistics(int fd);
/// ST_* (statvfs(3)) of the mount that an open file is on; the strictest if they cannot be told.
unsigned long mount_flags(int fd);

// Extended attributes; O_PATH will do. An empty buffer asks for the size.
sluice::Result<void> set_xattr(int fd, const char* name, std::span<const char> value, int flags);
sluice::Result<std::size_t> get_xattr(int fd, const char* name, std::span<char> value);
sluice::Result<std::size_t> list_xattrs(int fd, std::span<char> names);
sluice::Result<void> remove_xattr(int fd, const char* name);

// Names; O_PATH will do for the directories and for the file that gets a link.
sluice::Result<void> make_directory(int directory, const char* name, mode_t mode);
sluice::Result<void> make_node(int directory, const char* name, mode_t mode, dev_t device);
sluice::Result<void> make_symlink(const char* target, int directory, const char* name);
sluice::Result<void> link(int fd, int directory, const char* name);
/// `flags`: 0 or AT_REMOVEDIR.
sluice::Result<void> unlink(int directory, const char* name, int flags);
/// `flags` as in renameat2(2).
sluice::Result<void> rename(int from, const char* name, int to, const char* new_name, unsigned flags);
sluice::Result<std::string> read_link(int fd);

// Data.
sluice::Result<std::size_t> read(int fd, std::span<char> into, off_t offset);
/// Writes everything, or says how much was written before an error stopped it; the error itself when that is
/// nothing. `append`: at the end of the file, whatever `offset` says.
sluice::Result<std::size_t> write(int fd, std::span<const char> from, off_t offset, bool append);
sluice::Result<void> allocate(int fd, int mode, off_t offset, off_t length);
sluice::Result<std::size_t> copy_range(int from, off_t from_offset, int to, off_t to_offset,
                                       std::size_t length);
sluice::Result<off_t> seek(int fd, off_t offset, int whence);
/// linux_dirent64 records; 0 at the end.
sluice::Result<std::size_t> read_directory(int fd, std::span<char> into);

}  // namespace sluicefs::backing
