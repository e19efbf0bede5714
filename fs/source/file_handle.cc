#include "source/file_handle.h"

#include <fcntl.h>
#include <sched.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "sluice/ids.h"

namespace sluicefs {

using sluice::Result;
using sluice::UniqueFd;

namespace {

/// struct file_handle with room for the longest one.
struct HandleBuffer {
  alignas(file_handle) char bytes[sizeof(file_handle) + MAX_HANDLE_SZ];
  file_handle* get() { return reinterpret_cast<file_handle*>(bytes); }
};

/// ext4 says ENOMEM of an inode number that is being given out again (iget_locked, I_CREATING): for an
/// instant, after which the handle of the one who had it is stale.
constexpr int kMaxAttempts = 1000;

/// What name_to_handle_at(2) says of a file system that gives no handles, or too long ones; and seccomp(2) of
/// a container that forbids it.
bool is_never_given(int error) {
  return error == EOPNOTSUPP || error == EOVERFLOW || error == ENOSYS || error == EPERM;
}

}  // namespace

Result<FileHandle> FileHandle::of(int fd) {
  HandleBuffer buffer;
  buffer.get()->handle_bytes = MAX_HANDLE_SZ;
  int mount_id = -1;
  if (::name_to_handle_at(fd, "", buffer.get(), &mount_id, AT_EMPTY_PATH) != 0) {
    if (is_never_given(errno)) return FileHandle();
    return sluice::fail_last();
  }
  FileHandle handle;
  handle.type_ = buffer.get()->handle_type;
  handle.bytes_.assign(reinterpret_cast<const char*>(buffer.get()->f_handle), buffer.get()->handle_bytes);
  return handle;
}

std::uint64_t FileHandle::digest() const {
  std::uint64_t digest = static_cast<std::uint64_t>(type_) ^ bytes_.size();
  for (std::size_t i = 0; i < bytes_.size(); i += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes_.data() + i, std::min(sizeof word, bytes_.size() - i));
    digest = sluice::mix_bits(digest ^ word) + i;
  }
  return digest;
}

Result<UniqueFd> FileHandle::open(int mount, int flags) const {
  HandleBuffer buffer;
  buffer.get()->handle_type = type_;
  buffer.get()->handle_bytes = static_cast<unsigned>(bytes_.size());
  std::memcpy(buffer.get()->f_handle, bytes_.data(), bytes_.size());
  for (int attempts = 0;; ++attempts) {
    UniqueFd fd(::open_by_handle_at(mount, buffer.get(), flags | O_CLOEXEC));
    if (fd.valid()) return fd;
    if (errno != ENOMEM || attempts == kMaxAttempts) return sluice::fail_last();
    ::sched_yield();
  }
}

}  // namespace sluicefs
