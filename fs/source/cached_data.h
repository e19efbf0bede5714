#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <optional>

#include "sluice/mutex.h"

namespace sluicefs {

/// Whether the data of an inode may have been changed by others than us, so that what the kernel has cached
/// of them is old. The kernel could find out itself (AUTO_INVAL_DATA), but drops the cache for each of our
/// own writes then, and with it pages of a write that has not reached the source yet (fuse_fill_write_pages
/// leaves them clean and unlocked; invalidate_inode_pages2 does not mind who holds them). A mapping would
/// read them from the source once more, too early, and keep them. So nothing is dropped while our own writes
/// explain what is found: not before the file has been closed by all that may write it here.
///
/// Pure but for its lock. Thread-safe.
class CachedData {
 public:
  /// A change of size, bytes or times by us: begins before its system call and ends after it.
  class OwnChange {
   public:
    explicit OwnChange(CachedData& data) : data_(data) { data_.own_change_began(); }
    ~OwnChange() { data_.own_change_ended(); }
    OwnChange(const OwnChange&) = delete;
    OwnChange& operator=(const OwnChange&) = delete;

   private:
    CachedData& data_;
  };

  void opened(bool for_writing);
  /// REQUIRES: an opened() with the same argument, which this ends.
  void closed(bool for_writing);
  [[nodiscard]] bool is_open() const;

  /// For found(): call it before the source is asked. No value when our own changes are under way.
  using Look = std::optional<std::uint64_t>;
  [[nodiscard]] Look look() const;
  /// The source was found like this. No `look`: our own changes may have come in between.
  void found(const struct stat& attributes, const Look& look);
  /// True when the cache must be dropped, and can be without harm to a write of ours that is under way. The
  /// answer is given once.
  bool take_stale();
  /// It could not be dropped; to be asked again.
  void put_stale();

 private:
  struct Version {
    std::int64_t mtime_s;
    std::int64_t mtime_ns;
    std::int64_t size;
    friend bool operator==(const Version&, const Version&) = default;
  };

  void own_change_began();
  void own_change_ended();
  void check_invariants() const SLUICE_REQUIRES(mutex_);

  // Invariant: writers_ <= opens_ and changes_known_ <= changes_. foreign_ and mixed_ speak of the time since
  // the cache was dropped last: the source was found to differ from known_, with no change of ours in between
  // (foreign_), or with some, behind which one of others can hide (mixed_).
  mutable sluice::Mutex mutex_;
  std::optional<Version> known_ SLUICE_GUARDED_BY(mutex_);
  std::uint64_t changes_ SLUICE_GUARDED_BY(mutex_) = 0;        ///< Ours that have ended.
  std::uint64_t changes_known_ SLUICE_GUARDED_BY(mutex_) = 0;  ///< As many had when `known_` was found.
  std::size_t ongoing_ SLUICE_GUARDED_BY(mutex_) = 0;
  std::size_t opens_ SLUICE_GUARDED_BY(mutex_) = 0;
  std::size_t writers_ SLUICE_GUARDED_BY(mutex_) = 0;
  bool foreign_ SLUICE_GUARDED_BY(mutex_) = false;
  bool mixed_ SLUICE_GUARDED_BY(mutex_) = false;
};

}  // namespace sluicefs
