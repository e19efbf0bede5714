#include "ops/ops_attr.h"

#include <fcntl.h>
#include <linux/xattr.h>

#include <string_view>

#include "ops/choose_io_mode.h"
#include "ops/inode_change.h"
#include "ops/open_file.h"
#include "ops/revalidate.h"

namespace sluicefs::ops {

using sluice::fail;
using sluice::Mutation;
using sluice::MutationClass;
using sluice::OngoingMutation;
using sluice::Result;
using sluice::SharedFd;
using sluice::UniqueFd;

namespace {

Result<struct stat> attributes_of(Core& core, const Reached& of) {
  return backing::attributes(of.fd->get()).map([&](const backing::Attributes& attributes) {
    return core.tree.visible(of.node->limits(), attributes.stat);
  });
}

Result<void> change_owner(int fd, const AttributeChange& change) {
  const uid_t uid =
      (change.to_set & FUSE_SET_ATTR_UID) != 0 ? change.attributes.st_uid : static_cast<uid_t>(-1);
  const gid_t gid =
      (change.to_set & FUSE_SET_ATTR_GID) != 0 ? change.attributes.st_gid : static_cast<gid_t>(-1);
  const DropSetidScope scope(change.setid, fd);
  return backing::change_owner(fd, uid, gid);
}

timespec time_to_set(int to_set, int set, int now, const timespec& time) {
  if ((to_set & now) != 0) return {0, UTIME_NOW};
  if ((to_set & set) != 0) return time;
  return {0, UTIME_OMIT};
}

Result<void> change_times(int fd, const AttributeChange& change) {
  const timespec access =
      time_to_set(change.to_set, FUSE_SET_ATTR_ATIME, FUSE_SET_ATTR_ATIME_NOW, change.attributes.st_atim);
  const timespec modification =
      time_to_set(change.to_set, FUSE_SET_ATTR_MTIME, FUSE_SET_ATTR_MTIME_NOW, change.attributes.st_mtim);
  return backing::change_times(fd, access, modification);
}

/// An open file by which the size can be changed: the caller's own, which was opened for it, or a new one.
Result<SharedFd> resizable(Core& core, const Node& node, const AttributeChange& change) {
  if (change.handle) {
    return open_file(core, *change.handle).map([](const std::shared_ptr<OpenFile>& file) {
      return file->fd;
    });
  }
  if (!S_ISREG(node.type())) return fail(EINVAL);  // To open a FIFO could take for ever.
  Result<UniqueFd> opened = core.tree.open_node(node, O_WRONLY);
  if (!opened) return fail(opened.error());
  return share(std::move(*opened));
}

Result<void> resize(const SharedFd& fd, const AttributeChange& change, InodeChange& ours) {
  const DropSetidScope scope(change.setid, fd->get());
  // truncate(2), which comes without an open file, changes no times when the size stays (do_truncate).
  const Result<void> resized = change.handle ? backing::resize(fd->get(), change.attributes.st_size)
                                             : backing::resize_by_path(fd->get(), change.attributes.st_size);
  if (resized && change.attributes.st_size == 0) ours.emptied();
  return resized;
}

constexpr int kOwner = FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID;
constexpr int kTimes =
    FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME_NOW;

/// A chown(2) that names neither owner nor group comes as a request to set nothing, and so does the loss of a
/// file capability by a write (file_remove_privs). Natively the first drops setuid and setgid, of which
/// root's write drops none: true where the same is right for both. Natively nobody but the owner may have
/// them dropped.
bool may_touch(int fd, const AttributeChange& change) {
  const Result<backing::Attributes> attributes = backing::attributes(fd);
  if (!attributes) return false;
  const bool has_bits = (attributes->stat.st_mode & (S_ISUID | S_ISGID)) != 0;
  return !has_bits || (change.setid.drop && change.caller == attributes->stat.st_uid);
}

/// `to_resize`: null when the size stays.
Result<void> apply(const Reached& to, const SharedFd& to_resize, const AttributeChange& change,
                   InodeChange& ours) {
  Result<void> result;
  if ((change.to_set & kOwner) != 0 || (change.to_set == 0 && may_touch(to.fd->get(), change)))
    result = change_owner(to.fd->get(), change);
  if (result && (change.to_set & FUSE_SET_ATTR_MODE) != 0) {
    result = backing::change_mode(to.fd->get(), change.attributes.st_mode & ~static_cast<mode_t>(S_IFMT));
  }
  if (result && to_resize) result = resize(to_resize, change, ours);
  if (result && (change.to_set & kTimes) != 0) result = change_times(to.fd->get(), change);
  return result;
}

template <typename Change>
Result<void> change_metadata(Core& core, NodeId id, Change change) {
  const Result<Reached> to = core.tree.reach(id);
  if (!to) return fail(to.error());
  const OngoingMutation mutation = core.engine.begin(Mutation(to->node->key(), MutationClass::metadata));
  return change(to->fd->get());
}

}  // namespace

Result<struct stat> get_attributes(Core& core, NodeId id) {
  const Result<Reached> of = core.tree.reach(id);
  if (of) {
    const CachedData::Look look = look_at(*of->node);
    Result<struct stat> attributes = attributes_of(core, *of);
    if (attributes) drop_what_is_older(core, *of->node, *attributes, look);
    return attributes;
  }
  // An O_PATH descriptor of a file that was removed holds nothing open here.
  const Result<NodePtr> node = core.tree.node(id);
  const std::optional<struct stat> last = node ? (*node)->last_attributes() : std::nullopt;
  if (!last) return fail(of.error());
  return core.tree.visible((*node)->limits(), *last);
}

double attributes_timeout(const Core& core, NodeId id, const struct stat& attributes) {
  const Result<NodePtr> node = core.tree.node(id);
  return node ? sluicefs::attributes_timeout(core, **node, attributes) : 0;
}

Result<struct stat> set_attributes(Core& core, NodeId id, const AttributeChange& change) {
  const Result<Reached> to = core.tree.reach(id);
  if (!to) return fail(to.error());
  SharedFd to_resize;
  if ((change.to_set & FUSE_SET_ATTR_SIZE) != 0) {
    // Before the mutation begins: one that came to nothing for want of a descriptor would pass for the first
    // since the last sync, and the write that is the first would hold none.
    Result<SharedFd> opened = resizable(core, *to->node, change);
    if (!opened) return fail(opened.error());
    to_resize = std::move(*opened);
  }
  InodeChange ours(core, *to->node, to_resize);
  if (const Result<void> applied = apply(*to, to_resize, change, ours); !applied)
    return fail(applied.error());
  return attributes_of(core, *to);
}

Result<void> set_xattr(Core& core, const SetidDuty& setid, NodeId id, const char* name,
                       std::span<const char> value, int flags) {
  return change_metadata(core, id, [&](int fd) {
    const DropSetidScope scope(setid, fd);  // An access ACL changes the mode.
    return backing::set_xattr(fd, name, value, flags);
  });
}

Result<void> remove_xattr(Core& core, NodeId id, const char* name) {
  return change_metadata(core, id, [&](int fd) { return backing::remove_xattr(fd, name); });
}

Result<std::size_t> get_xattr(Core& core, NodeId id, const char* name, std::span<char> value) {
  const Result<Reached> of = core.tree.reach(id);
  if (!of) return fail(of.error());
  if (of->node->limits().nosuid && std::string_view(name) == XATTR_NAME_CAPS) return fail(ENODATA);
  return backing::get_xattr(of->fd->get(), name, value);
}

Result<std::size_t> list_xattrs(Core& core, const Caller& caller, NodeId id, std::span<char> names) {
  const Result<Reached> of = core.tree.reach(id);
  if (!of) return fail(of.error());
  const UntrustedScope as_caller(caller);
  return backing::list_xattrs(of->fd->get(), names);
}

Result<struct statvfs> statistics(Core& core, NodeId id) {
  const Result<Reached> of = core.tree.reach(id);
  if (!of) return fail(of.error());
  return backing::statistics(of->fd->get());
}

}  // namespace sluicefs::ops
