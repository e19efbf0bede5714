#include "source/tree.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <string_view>

namespace sluicefs {

using sluice::fail;
using sluice::FileKey;
using sluice::MutexLock;
using sluice::Result;
using sluice::SharedFd;
using sluice::UniqueFd;

namespace {

bool is_component(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos;
}

/// What openat2(2) says of a mount point; and a container that forbids it, of anything.
bool may_be_mounted_on(sluice::Errno error) {
  return error == sluice::Errno(EXDEV) || error == sluice::Errno(ENOSYS) || error == sluice::Errno(EPERM);
}

bool can_open(const FileHandle& handle, int mount) {
  return handle.open(mount, O_PATH).has_value();
}

InodePlace place_of(const backing::Attributes& attributes) {
  return {attributes.stat.st_dev, attributes.mount_id, attributes.stat.st_mode & S_IFMT};
}

MountLimits limits_of(int fd) {
  const unsigned long flags = backing::mount_flags(fd);
  return {(flags & ST_NOSUID) != 0, (flags & ST_NODEV) != 0};
}

/// The handle tells apart two owners of an inode number; where there is none, the time of birth has to.
FileKey key_of(const backing::Attributes& attributes, const FileHandle& handle) {
  const std::uint64_t generation =
      handle.empty() ? sluice::mix_bits(attributes.birth_nanoseconds) : handle.digest();
  return {attributes.stat.st_dev, attributes.stat.st_ino, generation};
}

}  // namespace

Result<std::unique_ptr<Tree>> Tree::open(UniqueFd source) {
  const Result<backing::Attributes> attributes = backing::attributes(source.get());
  if (!attributes) return fail(attributes.error());
  const Result<FileHandle> handle = FileHandle::of(source.get());
  if (!handle) return fail(handle.error());
  const bool uses_handles = !handle->empty() && can_open(*handle, source.get());
  UniqueFd pinned(::fcntl(source.get(), F_DUPFD_CLOEXEC, 0));
  if (!pinned.valid()) return sluice::fail_last();
  NodeIdentity root{
      key_of(*attributes, *handle), attributes->mount_id, attributes->stat.st_mode & S_IFMT, {}, FileHandle(),
      share(std::move(pinned))};
  return std::unique_ptr<Tree>(
      new Tree(std::move(source), place_of(*attributes), uses_handles, std::move(root)));
}

Tree::Tree(UniqueFd root, InodePlace place, bool uses_handles, NodeIdentity identity)
    : root_(std::move(root)),
      mount_id_(place.mount_id),
      uses_handles_(uses_handles),
      device_(place.device),
      nodes_(std::move(identity)),
      file_systems_(root_.get(), place) {}

ino_t Tree::inode_number(dev_t device, ino_t inode) const {
  return device == device_ ? inode : sluice::mix_bits(inode ^ sluice::mix_bits(device));
}

struct stat Tree::visible(const MountLimits& limits, const struct stat& attributes) const {
  struct stat seen = attributes;
  seen.st_ino = inode_number(seen.st_dev, seen.st_ino);
  if (limits.nosuid && !S_ISDIR(seen.st_mode)) seen.st_mode &= ~static_cast<mode_t>(S_ISUID | S_ISGID);
  if (limits.nodev) seen.st_rdev = 0;  // No device has that number.
  return seen;
}

Result<NodePtr> Tree::node(NodeId id) const {
  NodePtr node = nodes_.find(id);
  if (!node) return fail(ESTALE);
  return node;
}

Result<Reached> Tree::reach(NodeId id) {
  Result<NodePtr> node = this->node(id);
  if (!node) return fail(node.error());
  Result<SharedFd> fd = path_fd(**node);
  if (!fd) return fail(fd.error());
  return Reached{std::move(*node), std::move(*fd)};
}

Result<SharedFd> Tree::path_fd(const Node& node) {
  if (node.pinned()) return node.pinned();
  {
    const MutexLock lock(mutex_);
    const auto found = cached_.find(node.id());
    if (found != cached_.end()) {
      by_use_.splice(by_use_.end(), by_use_, found->second.place);
      return found->second.fd;
    }
  }
  Result<UniqueFd> opened = node.handle().open(root_.get(), O_PATH | O_NOFOLLOW);
  if (!opened) {
    SharedFd nameless = node.nameless_fd();
    if (nameless) return nameless;
    return fail(opened.error());
  }
  SharedFd fd = share(std::move(*opened));
  SharedFd evicted;
  const MutexLock lock(mutex_);
  if (cached_.contains(node.id())) return fd;
  cached_.emplace(node.id(), Cached{fd, by_use_.insert(by_use_.end(), node.id())});
  if (cached_.size() > kMaxCached) {
    const auto oldest = cached_.find(by_use_.front());
    evicted = std::move(oldest->second.fd);
    cached_.erase(oldest);
    by_use_.pop_front();
  }
  return fd;
}

Result<UniqueFd> Tree::open_node(const Node& node, int flags) {
  if (node.pinned()) return backing::reopen(node.pinned()->get(), flags);
  Result<UniqueFd> opened = node.handle().open(root_.get(), flags | O_NOFOLLOW);
  if (opened || opened.error() != sluice::Errno(ESTALE)) return opened;
  const SharedFd nameless = node.nameless_fd();
  if (!nameless) return opened;
  return backing::reopen(nameless->get(), flags);
}

NodePtr Tree::forget(NodeId id, std::uint64_t lookups) {
  NodePtr gone = nodes_.forget(id, lookups);
  if (gone) drop_cached(id);
  return gone;
}

void Tree::removed(const Found& found) {
  const NodePtr node = nodes_.find({found.identity.key, found.identity.mount_id});
  if (!node) return;
  if (!S_ISREG(found.identity.type)) return node->removed(found.fd);
  node->removed(found.attributes.stat);
  drop_cached(node->id());
}

void Tree::drop_cached(NodeId id) {
  SharedFd dropped;
  const MutexLock lock(mutex_);
  const auto found = cached_.find(id);
  if (found == cached_.end()) return;
  dropped = std::move(found->second.fd);
  by_use_.erase(found->second.place);
  cached_.erase(found);
}

Result<UniqueFd> Tree::open_path(int directory, const char* name) const {
  Result<UniqueFd> opened = backing::find_within_mount(directory, name);
  if (opened || !may_be_mounted_on(opened.error())) return opened;
  opened = backing::open_at(directory, name, O_PATH);
  if (!opened) return opened;
  const Result<dev_t> device = backing::device_of(opened->get());
  if (!device) return fail(device.error());
  if (*device == own_device_.load()) return fail(ELOOP);
  return opened;
}

Result<Found> Tree::find(int directory, const char* name) {
  // No kernel asks for these, but one that is asked to export a mount; they lead out of the source.
  if (!is_component(name)) return fail(EINVAL);
  Result<UniqueFd> opened = open_path(directory, name);
  if (!opened) return fail(opened.error());
  SharedFd fd = share(std::move(*opened));
  Result<Described> described = describe(fd->get());
  if (!described) return fail(described.error());
  Found found = std::move(described->found);
  if (described->needs_pin) found.identity.pinned = fd;
  found.fd = std::move(fd);
  return found;
}

Result<Found> Tree::identify(int fd) {
  Result<Described> described = describe(fd);
  if (!described) return fail(described.error());
  Found found = std::move(described->found);
  if (!described->needs_pin) return found;
  Result<UniqueFd> pinned = backing::reopen(fd, O_PATH);
  if (!pinned) return fail(pinned.error());
  found.identity.pinned = share(std::move(*pinned));
  return found;
}

Result<Tree::Described> Tree::describe(int fd) {
  const Result<backing::Attributes> attributes = backing::attributes(fd);
  if (!attributes) return fail(attributes.error());
  const Result<FileHandle> handle = FileHandle::of(fd);
  if (!handle) return fail(handle.error());
  const bool elsewhere = attributes->mount_id != mount_id_;
  const bool needs_pin = !uses_handles_ || handle->empty() || elsewhere;
  NodeIdentity identity{key_of(*attributes, *handle),       attributes->mount_id,
                        attributes->stat.st_mode & S_IFMT,  elsewhere ? limits_of(fd) : MountLimits(),
                        needs_pin ? FileHandle() : *handle, nullptr};
  file_systems_.met(place_of(*attributes), fd);
  return Described{{std::move(identity), *attributes, nullptr}, needs_pin};
}

}  // namespace sluicefs
