#include "ops/open_file.h"

#include <fcntl.h>

#include "ops/choose_io_mode.h"
#include "ops/inode_change.h"
#include "ops/ops_attr.h"
#include "ops/revalidate.h"
#include "ops/setid_scope.h"
#include "sluice/check.h"
#include "source/take_back.h"
#include "wire/backing_file.h"

namespace sluicefs {

using sluice::fail;
using sluice::Mutation;
using sluice::MutationClass;
using sluice::OngoingMutation;
using sluice::Result;
using sluice::SharedFd;
using sluice::UniqueFd;

int backing_flags(int application_flags) {
  return application_flags & (O_ACCMODE | O_NOATIME);
}

Result<UniqueFd> open_for_program(Core& core, const Node& node, int flags) {
  if (!core.keeps_access_times) return core.tree.open_node(node, flags);
  Result<UniqueFd> opened = core.tree.open_node(node, flags | O_NOATIME);
  if (opened || opened.error() != sluice::Errno(EPERM)) return opened;
  return core.tree.open_node(node, flags);
}

namespace ops {

namespace {

/// Gives an open file of the source its handle. REQUIRES: IoModeState and CachedData count it.
Opened register_open(Core& core, const NodePtr& node, SharedFd fd, int flags, DataPath path) {
  const std::int32_t backing_id = path.backing ? path.backing->id() : 0;
  // Nobody else can map it shared and write there (mmap(2), EACCES); in passthrough the pages are not ours.
  if ((flags & O_ACCMODE) == O_RDWR && !path.backing) node->set_maybe_mapped();
  auto file =
      std::make_shared<OpenFile>(OpenFile{node, std::move(fd), writes(flags), std::move(path.backing),
                                          path.direct, (flags & O_SYNC) | (core.syncs_writes ? O_DSYNC : 0)});
  node->set_open_fd(file->fd);
  return {core.files.insert(std::move(file)), backing_id, path.direct};
}

Result<void> truncate(Core& core, const Node& node, const SharedFd& fd, const SetidDuty& setid) {
  InodeChange ours(core, node, fd);
  const SetidScope scope(core, node, fd->get(), setid);
  const Result<void> resized = backing::resize(fd->get(), 0);
  if (resized) ours.emptied();
  return resized;
}

/// O_TRUNC asks for a descriptor that can write, whatever the access mode: open(2) truncates then, too.
Result<SharedFd> open_backing(Core& core, const Node& node, int flags, const SetidDuty& setid) {
  Result<UniqueFd> opened = open_for_program(core, node, backing_flags(flags));
  if (!opened) return fail(opened.error());
  SharedFd fd = share(std::move(*opened));
  if ((flags & O_TRUNC) == 0) return fd;
  SharedFd writable = fd;
  if (!writes(flags)) {
    opened = core.tree.open_node(node, O_WRONLY);
    if (!opened) return fail(opened.error());
    writable = share(std::move(*opened));
  }
  if (const Result<void> truncated = truncate(core, node, writable, setid); !truncated)
    return fail(truncated.error());
  return fd;
}

/// A file that did not exist. EEXIST: it does.
Result<Created> create_new(Core& core, const Caller& caller, NodeId parent_id, const char* name, mode_t mode,
                           int flags) {
  const Result<Reached> parent = core.tree.reach(parent_id);
  if (!parent) return fail(parent.error());
  const OngoingMutation mutation = core.engine.begin(Mutation(parent->node->key(), MutationClass::data));
  Result<UniqueFd> fd = [&] {
    const CallerScope as_caller(caller);
    return backing::open_at(parent->fd->get(), name, creation_flags(core, flags) | O_CREAT | O_EXCL, mode);
  }();
  if (!fd) return fail(fd.error());
  Result<Found> found = core.tree.identify(fd->get());
  if (!found) {
    take_back(parent->fd->get(), name, fd->get());
    return fail(found.error());
  }
  return opened_new(core, remember(core, std::move(*found), parent_id, name), std::move(*fd), flags);
}

}  // namespace

Result<Opened> open(Core& core, NodeId id, int flags, const SetidDuty& setid) {
  const Result<NodePtr> node = core.tree.node(id);
  if (!node) return fail(node.error());
  // The kernel opens FIFOs and devices itself, as the caller, and follows symlinks; it does so as well when a
  // create meets one that was made behind the mount, and ESTALE makes it look again.
  if (!S_ISREG((*node)->type())) return fail(ESTALE);
  Result<SharedFd> fd = open_backing(core, **node, flags, setid);
  if (!fd) return fail(fd.error());
  Result<DataPath> path = choose_io_mode(core, *node, *fd, flags, Opening::existing);
  if (!path) return fail(path.error());
  const Result<void> counted = open_cached_data(core, **node, (*fd)->get(), writes(flags));
  if (!counted) {
    (*node)->io_mode().closed();
    return fail(counted.error());
  }
  return register_open(core, *node, std::move(*fd), flags, std::move(*path));
}

Result<Created> create(Core& core, const Caller& caller, NodeId parent, const char* name, mode_t mode,
                       int flags, const SetidDuty& setid) {
  Result<Created> created = create_new(core, caller, parent, name, mode, flags);
  if (created || created.error() != sluice::Errno(EEXIST) || (flags & O_EXCL) != 0) return created;
  // The kernel believed that there was none; somebody made one behind the mount.
  Result<Entry> entry = lookup(core, parent, name);
  if (!entry) return fail(entry.error());
  const Result<Opened> opened = open(core, entry->ino, flags, setid);
  if (!opened) {
    forget(core, entry->ino, 1);
    return fail(opened.error());
  }
  // Truncation has changed what the lookup found, and the kernel believes what is answered here.
  const Result<struct stat> now = get_attributes(core, entry->ino);
  if (!now) {
    release(core, opened->handle);
    forget(core, entry->ino, 1);
    return fail(now.error());
  }
  entry->attr = *now;
  entry->attr_timeout = attributes_timeout(core, entry->ino, *now);
  return Created{*entry, *opened};
}

int creation_flags(const Core& core, int flags) {
  // Whoever makes it owns it, so O_NOATIME is not refused.
  return backing_flags(flags) | (core.keeps_access_times ? O_NOATIME : 0);
}

Result<Created> opened_new(Core& core, const Remembered& file, UniqueFd fd, int flags) {
  const NodePtr& node = file.node;
  core.engine.created(node->key());
  CachedData& data = node->cached_data();
  data.made(file.entry.attr);
  SLUICE_CHECK(data.opened(writes(flags)));  // Nothing has been cached that could be dropped.
  SharedFd shared = share(std::move(fd));
  Result<DataPath> path = choose_io_mode(core, node, shared, flags, Opening::created);
  if (!path) {
    data.closed(writes(flags));
    forget(core, node->id(), 1);
    return fail(path.error());
  }
  Created created{file.entry, register_open(core, node, std::move(shared), flags, std::move(*path))};
  created.entry.attr_timeout = sluicefs::attributes_timeout(core, *node, created.entry.attr);
  return created;
}

Result<std::shared_ptr<OpenFile>> open_file(const Core& core, std::uint64_t handle) {
  std::shared_ptr<OpenFile> file = core.files.find(handle);
  if (!file) return fail(EBADF);
  return file;
}

void release(Core& core, std::uint64_t handle) {
  const std::shared_ptr<OpenFile> file = core.files.remove(handle);
  if (!file) return;
  file->node->io_mode().closed();
  file->node->cached_data().closed(file->for_writing);
}

}  // namespace ops

}  // namespace sluicefs
