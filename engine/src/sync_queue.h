#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <unordered_map>

#include "sluice/ids.h"
#include "sluice/mutex.h"

namespace sluice {

/// The inodes that want a sync and have not got one: the highest priority first, then first come, first
/// served. Holds an inode at most once, so it is bounded by the waiting requests. Thread-safe.
class SyncQueue {
 public:
  /// One that stands in the queue moves to a higher priority, never to a lower one.
  void push(const FileKey& file, Priority priority) SLUICE_EXCLUDES(mutex_);
  std::optional<FileKey> pop() SLUICE_EXCLUDES(mutex_);
  /// False when it does not stand in the queue.
  bool erase(const FileKey& file) SLUICE_EXCLUDES(mutex_);
  [[nodiscard]] bool empty() const SLUICE_EXCLUDES(mutex_);
  [[nodiscard]] std::size_t size() const SLUICE_EXCLUDES(mutex_);

 private:
  using Line = std::list<FileKey>;
  struct Place {
    Priority priority;
    Line::iterator in_line;
  };

  void leave_line(const Place& place) SLUICE_REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::map<Priority, Line, std::greater<>> by_priority_ SLUICE_GUARDED_BY(mutex_);  // No line is empty.
  std::unordered_map<FileKey, Place, FileKeyHash> places_ SLUICE_GUARDED_BY(mutex_);
};

}  // namespace sluice
