#include "source/file_systems.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <memory>
#include <utility>
#include <vector>

#include "source/backing.h"
#include "source/file_system_sync.h"

namespace sluicefs {

using sluice::Errno;
using sluice::fail;
using sluice::MutexLock;
using sluice::Result;
using sluice::SharedFd;
using sluice::UniqueFd;

FileSystems::FileSystems(int source, InodePlace place) : source_fd_(source), source_(place) {}

void FileSystems::met_elsewhere(const InodePlace& place, int fd) {
  if (is_known(place)) return;
  // A file system can be mounted by a socket alone; that has no data, and another inode may be met.
  if (!S_ISDIR(place.type) && !S_ISREG(place.type)) return;
  // Outside the lock: a server that does not answer stops those who come to its own files, and nobody else.
  const Result<SharedFd> opened = open_to_hold(fd);
  const MutexLock lock(mutex_);
  if (opened && has_room()) held_.try_emplace(place.mount_id, *opened);
  if (!held_.contains(place.mount_id)) {
    if (not_held_.size() < kMaxHeld)
      not_held_.insert_or_assign(place.mount_id, opened ? Errno(EMFILE) : opened.error());
    return;
  }
  not_held_.erase(place.mount_id);
  add_device(place.device);
}

bool FileSystems::is_known(const InodePlace& place) {
  const MutexLock lock(mutex_);
  if (devices_.contains(place.device)) return true;
  // A subvolume of one that is held, or of the source's own.
  if (place.mount_id != source_.mount_id && !held_.contains(place.mount_id)) return false;
  add_device(place.device);
  return true;
}

Result<SharedFd> FileSystems::open_to_hold(int fd) const {
  {
    const MutexLock lock(mutex_);
    if (!has_room()) return fail(EMFILE);
  }
  Result<UniqueFd> opened = backing::reopen(fd, O_RDONLY | O_NOCTTY);
  if (!opened) return fail(opened.error());
  return share(std::move(*opened));
}

void FileSystems::add_device(dev_t device) {
  if (devices_.size() < kMaxDevices) devices_.insert(device);
}

Result<void> FileSystems::sync() const {
  std::vector<SharedFd> all;
  {
    const MutexLock lock(mutex_);
    for (const auto& [mount, fd] : held_) all.push_back(fd);
  }
  Result<void> result = sync_file_system(source_fd_);
  for (const SharedFd& one : all) {
    const Result<void> synced = sync_file_system(one->get());
    if (result && !synced) result = synced;
  }
  return result;
}

std::optional<Errno> FileSystems::not_held() const {
  const MutexLock lock(mutex_);
  if (not_held_.empty()) return std::nullopt;
  return not_held_.begin()->second;
}

}  // namespace sluicefs
