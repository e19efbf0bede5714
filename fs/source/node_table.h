#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sluice/ids.h"
#include "sluice/mutex.h"
#include "sluice/unique_fd.h"
#include "source/cached_data.h"
#include "source/file_handle.h"
#include "source/io_mode.h"

namespace sluicefs {

/// The number by which the kernel knows an inode. Opaque: never a pointer, never reused.
using NodeId = std::uint64_t;
/// The root of the mount (FUSE_ROOT_ID).
inline constexpr NodeId kRootNode = 1;

/// What the mount that an inode was met on does not let it do. Only told of mounts inside the source: what
/// the source itself is on becomes flags of our own mount.
struct MountLimits {
  bool nosuid = false;
  bool nodev = false;
};

/// What makes a node of its own: an inode, and the mount that it was met on. Mounts of one file system differ
/// in what they allow (nosuid, ro), and one directory at two places would have two parents.
struct NodeKey {
  sluice::FileKey file;
  int mount_id = 0;  ///< As in mountinfo.
  friend bool operator==(const NodeKey&, const NodeKey&) = default;
};
struct NodeKeyHash {
  std::size_t operator()(const NodeKey& key) const {
    return sluice::FileKeyHash()(key.file) ^ static_cast<std::size_t>(key.mount_id);
  }
};

/// How an inode is found again.
struct NodeIdentity {
  sluice::FileKey key;
  int mount_id = 0;         ///< As in mountinfo.
  mode_t type = 0;          ///< S_IFMT bits
  MountLimits limits = {};  ///< of the mount that it was met on
  FileHandle handle;        ///< empty when `pinned` is set
  sluice::SharedFd pinned;  ///< O_PATH; null when the handle can be opened
};

/// An inode that the kernel knows.
class Node {
 public:
  Node(NodeId id, NodeIdentity identity) : id_(id), identity_(std::move(identity)) {}

  [[nodiscard]] NodeId id() const { return id_; }
  [[nodiscard]] const sluice::FileKey& key() const { return identity_.key; }
  [[nodiscard]] mode_t type() const { return identity_.type; }
  [[nodiscard]] int mount_id() const { return identity_.mount_id; }
  [[nodiscard]] const MountLimits& limits() const { return identity_.limits; }
  [[nodiscard]] const FileHandle& handle() const { return identity_.handle; }
  [[nodiscard]] const sluice::SharedFd& pinned() const { return identity_.pinned; }
  [[nodiscard]] IoModeState& io_mode() const { return io_mode_; }
  [[nodiscard]] CachedData& cached_data() const { return cached_data_; }

  /// Its last name is gone, so its handle may not find it any more. `fd` is kept until the kernel forgets it.
  void removed(sluice::SharedFd fd) {
    const sluice::MutexLock lock(mutex_);
    removed_fd_ = std::move(fd);
  }
  /// The same for one that is not kept, for its space is to be free; what it was like is all that is left.
  void removed(const struct stat& attributes) {
    const sluice::MutexLock lock(mutex_);
    last_attributes_ = std::make_unique<struct stat>(attributes);
    last_attributes_->st_nlink = 0;
  }
  /// None but of one that was removed so.
  [[nodiscard]] std::optional<struct stat> last_attributes() const {
    const sluice::MutexLock lock(mutex_);
    return last_attributes_ ? std::optional(*last_attributes_) : std::nullopt;
  }
  /// A file that was removed while it is open can be reached by its open file.
  void set_open_fd(const sluice::SharedFd& fd) {
    const sluice::MutexLock lock(mutex_);
    open_fd_ = fd;
  }
  /// A descriptor that reaches it without a name or a handle; null when there is none.
  [[nodiscard]] sluice::SharedFd nameless_fd() const {
    const sluice::MutexLock lock(mutex_);
    return removed_fd_ ? removed_fd_ : open_fd_.lock();
  }

  /// Its first name is still to come, by link(2); none may ever (O_TMPFILE).
  void set_awaits_name(bool awaits) { awaits_name_.store(awaits, std::memory_order_relaxed); }
  [[nodiscard]] bool awaits_name() const { return awaits_name_.load(std::memory_order_relaxed); }

  /// Somebody had it open for reading and writing since the kernel came to know it; a mapping may still be
  /// dirty, for it outlives the handle.
  void set_maybe_mapped() { maybe_mapped_.store(true, std::memory_order_relaxed); }
  [[nodiscard]] bool maybe_mapped() const { return maybe_mapped_.load(std::memory_order_relaxed); }

 private:
  friend class NodeTable;

  // Constant.
  const NodeId id_;
  const NodeIdentity identity_;
  // Each synchronises itself.
  std::atomic<bool> maybe_mapped_{false};
  std::atomic<bool> awaits_name_{false};
  mutable IoModeState io_mode_;
  mutable CachedData cached_data_;
  mutable sluice::Mutex mutex_;
  sluice::SharedFd removed_fd_ SLUICE_GUARDED_BY(mutex_);
  std::unique_ptr<struct stat> last_attributes_ SLUICE_GUARDED_BY(mutex_);
  std::weak_ptr<const sluice::UniqueFd> open_fd_ SLUICE_GUARDED_BY(mutex_);  // Of the last open file.
  // Guarded by the table's mutex.
  std::uint64_t lookups_ = 0;
  NodeId parent_ = 0;
  std::string name_;
};

using NodePtr = std::shared_ptr<Node>;

/// Every inode that the kernel knows, by its number and by its identity. The kernel owes a FORGET for each
/// lookup that it was answered; a node goes with its last one, so the table is bounded by the kernel's own
/// cache. Thread-safe.
///
/// Invariant: a node is in both maps or in none; its lookups are more than 0, but for the root, which stays.
class NodeTable {
 public:
  explicit NodeTable(NodeIdentity root);

  /// The node of that identity, made if need be, with one more lookup, met under that parent and name.
  NodePtr remember(NodeIdentity identity, NodeId parent, std::string_view name);
  /// Null when the kernel does not (or no longer) know it.
  [[nodiscard]] NodePtr find(NodeId id) const;
  /// The node if it is gone by that, or else null.
  NodePtr forget(NodeId id, std::uint64_t lookups);
  [[nodiscard]] NodePtr find(const NodeKey& key) const;

  /// A name has come to stand for another inode than before, or for none.
  void renamed(const NodeKey& key, NodeId parent, std::string_view name);
  /// The path relative to the source of the name that the node was met by last; for people to read. "?" where
  /// a directory on the way has been forgotten.
  [[nodiscard]] std::string path(NodeId id) const;

  /// Inodes with pages that may be dirty in the kernel's cache of this mount.
  [[nodiscard]] std::vector<NodeId> maybe_mapped() const;
  [[nodiscard]] std::size_t size() const;

 private:
  mutable sluice::Mutex mutex_;
  NodeId last_id_ SLUICE_GUARDED_BY(mutex_);
  std::unordered_map<NodeId, NodePtr> by_id_ SLUICE_GUARDED_BY(mutex_);
  std::unordered_map<NodeKey, NodeId, NodeKeyHash> by_key_ SLUICE_GUARDED_BY(mutex_);
};

}  // namespace sluicefs
