#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "sluice/mutex.h"

namespace sluicefs {

/// Sets the numbers of two tables apart, so that one of the other kind finds nothing.
enum class HandleKind : std::uint32_t { file = 0, directory = 0x80000000 };

/// Numbers that the kernel keeps for open files. Opaque: a number names a place and which of its owners is
/// meant, so one that is stale or made up finds nothing instead of somebody else's file. Bounded by the files
/// that are open. Thread-safe.
template <typename Open, HandleKind kKind = HandleKind::file>
class HandleTable {
 public:
  [[nodiscard]] std::uint64_t insert(std::shared_ptr<Open> open) {
    const sluice::MutexLock lock(mutex_);
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(places_.size()));
      places_.emplace_back();
    }
    const std::uint32_t index = free_.back();
    free_.pop_back();
    Place& place = places_[index];
    place.open = std::move(open);
    return id_of(index, place.owner);
  }

  /// Null when there is no such handle.
  [[nodiscard]] std::shared_ptr<Open> find(std::uint64_t id) const {
    const sluice::MutexLock lock(mutex_);
    return is_open(id) ? places_[index_of(id)].open : nullptr;
  }

  /// Takes the handle out; null when there is no such handle. The caller lets go of it outside the lock.
  std::shared_ptr<Open> remove(std::uint64_t id) {
    const sluice::MutexLock lock(mutex_);
    if (!is_open(id)) return nullptr;
    Place& place = places_[index_of(id)];
    ++place.owner;
    free_.push_back(index_of(id));
    return std::move(place.open);
  }

  /// Calls `act` with all that are open now and still are when their turn comes, one after another, outside
  /// the lock.
  template <typename Act>
  void for_each(Act act) const {
    std::vector<std::weak_ptr<Open>> open;
    {
      const sluice::MutexLock lock(mutex_);
      for (const Place& place : places_) {
        if (place.open) open.push_back(place.open);
      }
    }
    for (const std::weak_ptr<Open>& one : open) {
      if (const std::shared_ptr<Open> held = one.lock()) act(*held);
    }
  }

  [[nodiscard]] std::size_t size() const {
    const sluice::MutexLock lock(mutex_);
    return places_.size() - free_.size();
  }

 private:
  struct Place {
    std::shared_ptr<Open> open;
    std::uint32_t owner = 1;
  };

  static std::uint64_t id_of(std::uint32_t index, std::uint32_t owner) {
    return (static_cast<std::uint64_t>(owner) << 32) | (index ^ static_cast<std::uint32_t>(kKind));
  }
  static std::uint32_t index_of(std::uint64_t id) {
    return static_cast<std::uint32_t>(id) ^ static_cast<std::uint32_t>(kKind);
  }
  [[nodiscard]] bool is_open(std::uint64_t id) const SLUICE_REQUIRES(mutex_) {
    const std::uint32_t index = index_of(id);
    return index < places_.size() && id == id_of(index, places_[index].owner) &&
           places_[index].open != nullptr;
  }

  mutable sluice::Mutex mutex_;
  std::vector<Place> places_ SLUICE_GUARDED_BY(mutex_);
  std::vector<std::uint32_t> free_ SLUICE_GUARDED_BY(mutex_);
};

}  // namespace sluicefs
