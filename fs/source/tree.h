#pragma once

#include <atomic>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include "sluice/mutex.h"
#include "sluice/result.h"
#include "sluice/unique_fd.h"
#include "source/backing.h"
#include "source/file_systems.h"
#include "source/node_table.h"

namespace sluicefs {

/// An inode as it was met: who it is and what it is like.
struct Found {
  NodeIdentity identity;
  backing::Attributes attributes;
  sluice::SharedFd fd;  ///< O_PATH; the one that it was met by
};

/// A node, and a descriptor of it for `*at` calls; perhaps O_PATH.
struct Reached {
  NodePtr node;
  sluice::SharedFd fd;
};

/// The source tree: turns names into identities and nodes into descriptors. A node holds no descriptor where
/// its file handle can be opened (that takes CAP_DAC_READ_SEARCH, and the mount that the source is on);
/// elsewhere it pins one. Descriptors made from handles are kept in a small cache, the one used longest ago
/// closed first. Thread-safe.
class Tree {
 public:
  /// `source`: the directory, opened before the mount; not O_PATH. EOPNOTSUPP and the like are no errors:
  /// nodes then pin descriptors.
  static sluice::Result<std::unique_ptr<Tree>> open(sluice::UniqueFd source);

  /// The directory of the source.
  [[nodiscard]] int root() const { return root_.get(); }
  [[nodiscard]] NodeTable& nodes() { return nodes_; }
  [[nodiscard]] const FileSystems& file_systems() const { return file_systems_; }
  /// The number by which programs know an inode. The mount has one st_dev for all file systems of the source
  /// (and btrfs subvolumes), so numbers of those that the source itself is not on are spread: cp(1), mv(1),
  /// tar(1) and others take equal ones for one file.
  [[nodiscard]] ino_t inode_number(dev_t device, ino_t inode) const;
  /// Attributes as programs are to see them. Setuid bits and devices that a mount inside the source does not
  /// honour must not come to life by way of our own, whose flags can be changed at any time.
  [[nodiscard]] struct stat visible(const MountLimits& limits, const struct stat& attributes) const;

  /// The st_dev of the mount that shows this tree. Somebody may mount it inside the source; whoever went in
  /// there would wait for answers that need an answer themselves.
  void set_own_device(dev_t device) { own_device_.store(device); }

  /// ESTALE when the kernel does not know the node.
  [[nodiscard]] sluice::Result<NodePtr> node(NodeId id) const;
  /// ESTALE as node(), and when the inode is gone.
  sluice::Result<Reached> reach(NodeId id);
  /// A new open file of the node.
  sluice::Result<sluice::UniqueFd> open_node(const Node& node, int flags);

  /// The kernel has forgotten lookups of the node. Returns the node if it is gone by that, or else null.
  NodePtr forget(NodeId id, std::uint64_t lookups);
  /// The last name of what was found is gone. A regular file is let go of, for its space is to be free when
  /// the removal is answered; who uses it has it open. Somebody may stand in a directory without.
  void removed(const Found& found);

  /// Who is called `name` there. ELOOP: the mount itself is.
  sluice::Result<Found> find(int directory, const char* name);
  /// Who is behind a descriptor; `fd` of the result stays null.
  sluice::Result<Found> identify(int fd);

 private:
  struct Cached {
    sluice::SharedFd fd;
    std::list<NodeId>::iterator place;
  };

  struct Described {
    Found found;     ///< without a descriptor
    bool needs_pin;  ///< It cannot be found again but by one that is kept open.
  };

  Tree(sluice::UniqueFd root, InodePlace place, bool uses_handles, NodeIdentity identity);
  sluice::Result<sluice::SharedFd> path_fd(const Node& node);
  void drop_cached(NodeId id);
  sluice::Result<sluice::UniqueFd> open_path(int directory, const char* name) const;
  sluice::Result<Described> describe(int fd);

  static constexpr std::size_t kMaxCached = 512;

  const sluice::UniqueFd root_;
  const int mount_id_;
  const bool uses_handles_;
  const dev_t device_;
  NodeTable nodes_;
  FileSystems file_systems_;
  std::atomic<dev_t> own_device_{0};
  sluice::Mutex mutex_;
  std::unordered_map<NodeId, Cached> cached_ SLUICE_GUARDED_BY(mutex_);
  std::list<NodeId> by_use_ SLUICE_GUARDED_BY(mutex_);  // Used longest ago first.
};

}  // namespace sluicefs
