#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <unordered_set>

#include "sluice/mutex.h"
#include "sluice/result.h"
#include "sluice/unique_fd.h"

namespace sluicefs {

/// Where an inode was met.
struct InodePlace {
  dev_t device;
  int mount_id;  ///< As in mountinfo.
  mode_t type;   ///< S_IFMT bits of the inode
};

/// Every file system that the tree reaches into, by a descriptor of each that was opened before anything was
/// written to it through us: by these all can be synced that no descriptor of its own is held of, and they
/// hear of write-back errors that somebody else has been told. A file system inside the source is held from
/// when it is first met, and can be unmounted only lazily until we end. Thread-safe.
class FileSystems {
 public:
  /// `source`: the directory of the source, not O_PATH, which must outlive this.
  FileSystems(int source, InodePlace place);

  /// An inode was met there; `fd` of it may be O_PATH. Costs nothing on the source's own file system.
  void met(const InodePlace& place, int fd) {
    if (place.device != source_.device) met_elsewhere(place, fd);
  }

  /// Makes everything durable that was written to any of them: the first error. All are tried.
  sluice::Result<void> sync() const;
  /// Why one of them is not held, if one is not: it may have inodes that nobody can sync.
  [[nodiscard]] std::optional<sluice::Errno> not_held() const;

  /// More are not held.
  static constexpr std::size_t kMaxHeld = 256;
  /// Of one file system there may be many (btrfs has one for each subvolume).
  static constexpr std::size_t kMaxDevices = 65536;

 private:
  void met_elsewhere(const InodePlace& place, int fd) SLUICE_EXCLUDES(mutex_);
  bool is_known(const InodePlace& place) SLUICE_EXCLUDES(mutex_);
  [[nodiscard]] sluice::Result<sluice::SharedFd> open_to_hold(int fd) const SLUICE_EXCLUDES(mutex_);
  [[nodiscard]] bool has_room() const SLUICE_REQUIRES(mutex_) { return held_.size() < kMaxHeld; }
  void add_device(dev_t device) SLUICE_REQUIRES(mutex_);

  const int source_fd_;
  const InodePlace source_;
  mutable sluice::Mutex mutex_;
  /// Devices that need no further look.
  std::unordered_set<dev_t> devices_ SLUICE_GUARDED_BY(mutex_);
  /// By mount.
  std::map<int, sluice::SharedFd> held_ SLUICE_GUARDED_BY(mutex_);
  std::map<int, sluice::Errno> not_held_ SLUICE_GUARDED_BY(mutex_);
};

}  // namespace sluicefs
