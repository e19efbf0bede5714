#include "aio/duplicate_set.h"

#include <fcntl.h>
#include <linux/kcmp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>

namespace sluice {
namespace {

// Not 0 to 2, which a program may find closed and expect to get from its next open(2).
constexpr int kFirstDescriptor = 3;

// Where kcmp(2) is forbidden none is used again, and they must not become more and more.
constexpr std::size_t kMaxKeptInVain = 256;

/// Whether anybody has a record lock on a part of the file. Of those of this process no other question tells.
bool has_record_lock(int fd) {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return ::fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

bool is_same_open_file(int a, int b) {
  const pid_t self = ::getpid();
  return ::syscall(SYS_kcmp, self, self, KCMP_FILE, a, b) == 0;
}

}  // namespace

DuplicateSet::~DuplicateSet() {
  release_kept(*open_);
}

Result<SharedFd> DuplicateSet::duplicate(int fd) {
  const Result<int> made = make(*open_, fd);
  if (!made) return fail(made.error());
  release_kept(*open_);
  return SharedFd(new UniqueFd(*made), [open = open_](UniqueFd* owner) {
    release(*open, owner->release());
    delete owner;
  });
}

/// Under the lock, so that a child finds every duplicate that it has in the set.
Result<int> DuplicateSet::make(Open& open, int fd) {
  const MutexLock lock(open.mutex);
  const auto kept = std::find_if(open.kept.begin(), open.kept.end(),
                                 [fd](int candidate) { return is_same_open_file(candidate, fd); });
  if (kept != open.kept.end()) {
    const int descriptor = *kept;
    open.kept.erase(kept);
    return descriptor;
  }
  const int descriptor = ::fcntl(fd, F_DUPFD_CLOEXEC, kFirstDescriptor);
  if (descriptor < 0) return fail_last();
  open.descriptors.insert(descriptor);
  return descriptor;
}

void DuplicateSet::release(Open& open, int descriptor) {
  const bool keep = has_record_lock(descriptor);
  bool close = true;
  {
    const MutexLock lock(open.mutex);
    if (keep && (open.kept.size() < kMaxKeptInVain || is_same_open_file(descriptor, descriptor))) {
      open.kept.push_back(descriptor);
      close = false;
    } else {
      // Before it is closed: the number may be another file's right afterwards.
      open.descriptors.erase(descriptor);
    }
  }
  if (close) ::close(descriptor);
  if (!keep) release_kept(open);
}

void DuplicateSet::release_kept(Open& open) {
  std::vector<int> kept;
  {
    const MutexLock lock(open.mutex);
    kept.swap(open.kept);
  }
  for (const int descriptor : kept) {
    if (has_record_lock(descriptor)) {
      const MutexLock lock(open.mutex);
      open.kept.push_back(descriptor);
      continue;
    }
    {
      const MutexLock lock(open.mutex);
      open.descriptors.erase(descriptor);
    }
    ::close(descriptor);
  }
}

// Locked by one call and unlocked by another, which the analysis cannot follow.
void DuplicateSet::before_fork() SLUICE_TSA(no_thread_safety_analysis) {
  open_->mutex.lock();
}

void DuplicateSet::after_fork_in_parent() SLUICE_TSA(no_thread_safety_analysis) {
  open_->mutex.unlock();
}

void DuplicateSet::after_fork_in_child() SLUICE_TSA(no_thread_safety_analysis) {
  for (const int descriptor : open_->descriptors) ::close(descriptor);
  open_->mutex.unlock();
}

}  // namespace sluice
