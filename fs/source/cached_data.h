#pragma once

#include <sys/stat.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <optional>

#include "sluice/mutex.h"

namespace sluicefs {

/// Whether the data of an inode may have been changed by others than us, so that what the kernel has cached
/// of them is old. The kernel could find out itself (AUTO_INVAL_DATA), but drops the cache for each of our
/// own writes then, and with it pages of a write that has not reached the source yet (fuse_fill_write_pages
/// leaves them clean and unlocked; invalidate_inode_pages2 does not mind who holds them). A mapping would
/// read them from the source once more, too early, and keep them. So nothing is dropped while anybody may
/// write the file here, and nobody begins to while it is dropped.
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

  /// The cache is to be dropped, and while this lives nobody opens the file for writing.
  class Drop {
   public:
    explicit Drop(CachedData& data) : data_(data), due_(data.begin_drop()) {}
    ~Drop() {
      if (due_) data_.end_drop(done_);
    }
    Drop(const Drop&) = delete;
    Drop& operator=(const Drop&) = delete;

    /// False: it is not old, or must not be dropped now.
    [[nodiscard]] bool due() const { return due_; }
    /// It has been dropped; otherwise it is to be asked again.
    void done() { done_ = true; }

   private:
    CachedData& data_;
    const bool due_;
    bool done_ = false;
  };

  /// False, and nothing has happened, when it is for writing and the cache is being dropped: see
  /// await_drop().
  [[nodiscard]] bool opened(bool for_writing);
  /// REQUIRES: an opened() with the same argument, which this ends.
  void closed(bool for_writing);
  [[nodiscard]] bool is_open() const;
  /// Waits until nobody drops the cache.
  void await_drop() const { dropping_.wait(true); }

  /// For found(): taken before the source is asked.
  struct Look {
    std::optional<std::uint64_t> changes;  ///< None when our own changes are under way.
    std::time_t at_s;
  };
  /// `now_s`: seconds of CLOCK_REALTIME.
  [[nodiscard]] Look look(std::time_t now_s) const;
  /// The source was found like this. `look.changes` is none where our own changes may have come in between.
  void found(const struct stat& attributes, const Look& look);
  /// We have just made the inode like this, and nothing of it is cached.
  void made(const struct stat& attributes);

  /// A write stamps the time before it changes the bytes. So a version that is younger than this may be seen
  /// again with other bytes, and what is cached meanwhile is taken for old once more when it has aged.
  static constexpr std::time_t kUnsettledS = 2;

 private:
  struct Version {
    std::int64_t mtime_s;
    std::int64_t mtime_ns;
    std::int64_t size;
    friend bool operator==(const Version&, const Version&) = default;
  };

  static Version version_of(const struct stat& attributes);
  void own_change_began();
  void own_change_ended();
  bool begin_drop();
  void end_drop(bool done);
  void check_invariants() const SLUICE_REQUIRES(mutex_);

  // Invariant: writers_ <= opens_, writers_ is 0 while dropping_, and changes_known_ <= changes_.
  mutable sluice::Mutex mutex_;
  std::optional<Version> known_ SLUICE_GUARDED_BY(mutex_);
  std::uint64_t changes_ SLUICE_GUARDED_BY(mutex_) = 0;        ///< Ours that have ended.
  std::uint64_t changes_known_ SLUICE_GUARDED_BY(mutex_) = 0;  ///< As many had when `known_` was found.
  std::size_t ongoing_ SLUICE_GUARDED_BY(mutex_) = 0;
  std::size_t opens_ SLUICE_GUARDED_BY(mutex_) = 0;
  std::size_t writers_ SLUICE_GUARDED_BY(mutex_) = 0;
  /// The source was found to differ from `known_` since the cache was dropped last: by others, or by us,
  /// behind which others can hide.
  bool stale_ SLUICE_GUARDED_BY(mutex_) = false;
  /// `known_` is somebody else's and was young when it was found.
  bool unsettled_ SLUICE_GUARDED_BY(mutex_) = false;
  std::atomic<bool> dropping_{false};  ///< Written under the mutex.
};

}  // namespace sluicefs
