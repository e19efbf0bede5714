#include "sync_queue.h"

namespace sluice {

void SyncQueue::push(const FileKey& file, Priority priority) {
  const MutexLock lock(mutex_);
  const auto known = places_.find(file);
  if (known != places_.end()) {
    if (priority <= known->second.priority) return;
    leave_line(known->second);
  }
  Line& line = by_priority_[priority];
  places_.insert_or_assign(file, Place{priority, line.insert(line.end(), file)});
}

std::optional<FileKey> SyncQueue::pop() {
  const MutexLock lock(mutex_);
  if (by_priority_.empty()) return std::nullopt;
  const FileKey file = by_priority_.begin()->second.front();
  const auto place = places_.find(file);
  leave_line(place->second);
  places_.erase(place);
  return file;
}

bool SyncQueue::erase(const FileKey& file) {
  const MutexLock lock(mutex_);
  const auto place = places_.find(file);
  if (place == places_.end()) return false;
  leave_line(place->second);
  places_.erase(place);
  return true;
}

bool SyncQueue::empty() const {
  const MutexLock lock(mutex_);
  return by_priority_.empty();
}

std::size_t SyncQueue::size() const {
  const MutexLock lock(mutex_);
  return places_.size();
}

void SyncQueue::leave_line(const Place& place) {
  const auto line = by_priority_.find(place.priority);
  line->second.erase(place.in_line);
  if (line->second.empty()) by_priority_.erase(line);
}

}  // namespace sluice
