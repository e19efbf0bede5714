#include "descriptor_cache.h"

#include <iterator>
#include <utility>

namespace sluice {

void DescriptorCache::hold(const FileKey& file, SharedFd descriptor) {
  SharedFd evicted;
  const MutexLock lock(mutex_);
  if (held_.contains(file)) return;
  const auto place = dirty_.insert(dirty_.end(), file);
  held_.emplace(file, Held{std::move(descriptor), true, place});
  evicted = evict(dirty_, max_dirty_);
}

SharedFd DescriptorCache::find(const FileKey& file) const {
  const MutexLock lock(mutex_);
  const auto found = held_.find(file);
  return found == held_.end() ? nullptr : found->second.descriptor;
}

void DescriptorCache::mark_dirty(const FileKey& file) {
  move(file, true);
}
void DescriptorCache::mark_clean(const FileKey& file) {
  move(file, false);
}

void DescriptorCache::erase(const FileKey& file) {
  SharedFd erased;
  const MutexLock lock(mutex_);
  const auto found = held_.find(file);
  if (found == held_.end()) return;
  erased = std::move(found->second.descriptor);
  aim_past(found->second);
  order(found->second.dirty).erase(found->second.place);
  held_.erase(found);
}

void DescriptorCache::aim_after(const FileKey& file) {
  const MutexLock lock(mutex_);
  const auto found = held_.find(file);
  if (found != held_.end() && found->second.dirty) next_ = std::next(found->second.place);
}

std::optional<DescriptorCache::DirtyFile> DescriptorCache::next_dirty() {
  const MutexLock lock(mutex_);
  if (next_ == dirty_.end()) return std::nullopt;
  const FileKey file = *next_++;
  return DirtyFile{file, held_.at(file).descriptor};
}

std::size_t DescriptorCache::size() const {
  const MutexLock lock(mutex_);
  return held_.size();
}

void DescriptorCache::move(const FileKey& file, bool dirty) {
  SharedFd evicted;
  const MutexLock lock(mutex_);
  const auto found = held_.find(file);
  if (found == held_.end()) return;
  Held& held = found->second;
  aim_past(held);
  Order& to = order(dirty);
  to.splice(to.end(), order(held.dirty), held.place);
  held.dirty = dirty;
  evicted = evict(to, dirty ? max_dirty_ : max_clean_);
}

SharedFd DescriptorCache::evict(Order& order, std::size_t limit) {
  if (order.size() <= limit) return nullptr;
  const auto oldest = held_.find(order.front());
  SharedFd descriptor = std::move(oldest->second.descriptor);
  aim_past(oldest->second);
  held_.erase(oldest);
  order.pop_front();
  return descriptor;
}

}  // namespace sluice
