#include "aio/duplicate_set.h"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

namespace sluice {
namespace {

// Not 0 to 2, which a program may find closed and expect to get from its next open(2).
constexpr int kFirstDescriptor = 3;

}  // namespace

Result<SharedFd> DuplicateSet::duplicate(int fd) {
  UniqueFd duplicate(::fcntl(fd, F_DUPFD_CLOEXEC, kFirstDescriptor));
  if (!duplicate.valid()) return fail_last();
  {
    const MutexLock lock(open_->mutex);
    open_->descriptors.insert(duplicate.get());
  }
  return SharedFd(new UniqueFd(std::move(duplicate)), [open = open_](const UniqueFd* owner) {
    {
      // Before it is closed: the number may be another file's right afterwards.
      const MutexLock lock(open->mutex);
      open->descriptors.erase(owner->get());
    }
    delete owner;
  });
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
