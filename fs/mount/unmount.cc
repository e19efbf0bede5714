#include "mount/unmount.h"

#include <sys/mount.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "mount/fusermount.h"
#include "mount/mount_info.h"

namespace sluicefs {

using sluice::fail;
using sluice::Result;

namespace {

constexpr std::size_t kMaxDeadMounts = 16;

/// Not by stat(2), which the kernel answers from its cache while it believes the attributes.
bool is_dead(const std::string& path) {
  struct statfs found {};
  return ::statfs(path.c_str(), &found) != 0 && errno == ENOTCONN;
}

}  // namespace

Result<void> unmount_path(const std::string& mountpoint, UnmountMode mode) {
  if (::geteuid() != 0) {
    if (!fusermount_off(mountpoint, mode == UnmountMode::detach)) return fail(EBUSY);
    return {};
  }
  const int flags = UMOUNT_NOFOLLOW | (mode == UnmountMode::detach ? MNT_DETACH : 0);
  if (::umount2(mountpoint.c_str(), flags) != 0) return sluice::fail_last();
  return {};
}

Result<void> unmount_device(dev_t device, UnmountMode mode) {
  const Result<std::vector<MountEntry>> mounts = read_mounts();
  if (!mounts) return fail(mounts.error());
  Result<void> result;
  // The last ones first: they may be mounted on the earlier ones.
  for (auto entry = mounts->rbegin(); entry != mounts->rend(); ++entry) {
    // The type: whoever asks may have looked at the mount point when the mount had gone already.
    if (entry->device != device || entry->type != kFileSystemType) continue;
    if (topmost_at(*mounts, entry->mountpoint) != &*entry) {
      result = fail(EBUSY);
      continue;
    }
    const Result<void> unmounted = unmount_path(entry->mountpoint, mode);
    // EINVAL: somebody was quicker.
    if (!unmounted && unmounted.error().value() != EINVAL) result = unmounted;
  }
  return result;
}

Result<std::vector<std::string>> detach_dead_mounts(const std::string& mountpoint) {
  std::vector<std::string> sources;
  while (is_dead(mountpoint)) {
    const Result<std::vector<MountEntry>> mounts = read_mounts();
    if (!mounts) return fail(mounts.error());
    const MountEntry* const top = topmost_at(*mounts, mountpoint);
    if (top == nullptr || top->type != kFileSystemType || sources.size() == kMaxDeadMounts)
      return fail(EBUSY);
    if (const Result<void> detached = unmount_path(mountpoint, UnmountMode::detach); !detached) {
      return fail(detached.error());
    }
    sources.push_back(top->source);
  }
  return sources;
}

}  // namespace sluicefs
