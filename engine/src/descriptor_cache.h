#pragma once

#include <cstddef>
#include <list>
#include <optional>
#include <unordered_map>

#include "sluice/ids.h"
#include "sluice/mutex.h"
#include "sluice/unique_fd.h"

namespace sluice {

/// The descriptors through which inodes are synced: opened before the inode's first write, because the kernel
/// tells an error of a write-back once to each open file, and to one that is opened later maybe never. Those
/// of inodes with something to sync have a limit of their own; past either limit the one that was used
/// longest ago is closed. Its inode stays as dirty as it was and is synced through the caller's descriptor:
/// as safe as a close and a reopen natively. Thread-safe.
class DescriptorCache {
 public:
  DescriptorCache(std::size_t max_dirty, std::size_t max_clean)
      : max_dirty_(max_dirty), max_clean_(max_clean) {}

  /// Keeps `descriptor` for a dirty inode, unless there is one.
  void hold(const FileKey& file, SharedFd descriptor) SLUICE_EXCLUDES(mutex_);
  /// Null when there is none.
  [[nodiscard]] SharedFd find(const FileKey& file) const SLUICE_EXCLUDES(mutex_);
  void mark_dirty(const FileKey& file) SLUICE_EXCLUDES(mutex_);
  void mark_clean(const FileKey& file) SLUICE_EXCLUDES(mutex_);
  void erase(const FileKey& file) SLUICE_EXCLUDES(mutex_);

  /// The next call of next_dirty() gives the inode that became dirty after `file`, if that is held as dirty.
  void aim_after(const FileKey& file) SLUICE_EXCLUDES(mutex_);
  struct DirtyFile {
    FileKey file;
    SharedFd descriptor;
  };
  /// One dirty inode after the other, in the order in which they became dirty; none at the end.
  [[nodiscard]] std::optional<DirtyFile> next_dirty() SLUICE_EXCLUDES(mutex_);

  [[nodiscard]] std::size_t size() const SLUICE_EXCLUDES(mutex_);

 private:
  using Order = std::list<FileKey>;
  struct Held {
    SharedFd descriptor;
    bool dirty;
    Order::iterator place;
  };

  void move(const FileKey& file, bool dirty) SLUICE_EXCLUDES(mutex_);
  /// Takes out the oldest past the limit; the caller lets go of it (which closes it) outside the lock.
  SharedFd evict(Order& order, std::size_t limit) SLUICE_REQUIRES(mutex_);
  /// To be called before its place is given up.
  void aim_past(const Held& held) SLUICE_REQUIRES(mutex_) {
    if (held.dirty && next_ == held.place) ++next_;
  }
  Order& order(bool dirty) SLUICE_REQUIRES(mutex_) { return dirty ? dirty_ : clean_; }

  const std::size_t max_dirty_;
  const std::size_t max_clean_;
  mutable Mutex mutex_;
  std::unordered_map<FileKey, Held, FileKeyHash> held_ SLUICE_GUARDED_BY(mutex_);
  Order dirty_ SLUICE_GUARDED_BY(mutex_);  // The oldest first.
  Order clean_ SLUICE_GUARDED_BY(mutex_);
  Order::iterator next_ SLUICE_GUARDED_BY(mutex_) = dirty_.end();  // In dirty_.
};

}  // namespace sluice
