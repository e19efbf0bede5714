#include "ops/ops_namespace.h"

#include <fcntl.h>
#include <linux/fs.h>

#include <optional>
#include <utility>

#include "ops/choose_io_mode.h"
#include "ops/inode_change.h"
#include "ops/revalidate.h"
#include "source/take_back.h"
#include "wire/wire.h"

namespace sluicefs::ops {

using sluice::fail;
using sluice::Mutation;
using sluice::MutationClass;
using sluice::OngoingMutation;
using sluice::Result;
using sluice::SharedFd;

namespace {

/// Looks up what has just been created there.
Result<Entry> created(Core& core, const Reached& parent, const char* name) {
  Result<Found> found = core.tree.find(parent.fd->get(), name);
  if (!found) return fail(found.error());
  core.engine.created(found->identity.key);
  return remember(core, std::move(*found), parent.node->id(), name).entry;
}

/// Creates a name of that type in `parent_id` by `create`, which gets the directory's descriptor, as the
/// caller.
template <typename Create>
Result<Entry> create_name(Core& core, const Caller& caller, NodeId parent_id, const char* name, mode_t type,
                          Create create) {
  const Result<Reached> parent = core.tree.reach(parent_id);
  if (!parent) return fail(parent.error());
  const OngoingMutation mutation = core.engine.begin(Mutation(parent->node->key(), MutationClass::data));
  {
    const CallerScope as_caller(caller);
    if (const Result<void> made = create(parent->fd->get()); !made) return fail(made.error());
  }
  Result<Entry> entry = created(core, *parent, name);
  if (!entry) take_back_unseen(parent->fd->get(), name, {type, caller.uid}, entry.error());
  return entry;
}

OngoingMutation begin_link(Core& core, const Reached& file, const Reached& parent) {
  if (!file.node->awaits_name()) {
    return core.engine.begin(
        Mutation(parent.node->key(), MutationClass::data).touches(file.node->key(), MutationClass::metadata));
  }
  // A file without a name cannot be found, so the first is data of it as much as its creation.
  OngoingMutation mutation = core.engine.begin(
      Mutation(file.node->key(), MutationClass::data).touches(parent.node->key(), MutationClass::data));
  if (const SharedFd open = file.node->nameless_fd()) hold_sync_descriptor(core, *file.node, open, mutation);
  return mutation;
}

/// The inode has lost the name that it had when it was `found`.
void lost_name(Core& core, const Found& found) {
  const bool was_last = S_ISDIR(found.identity.type) || found.attributes.stat.st_nlink <= 1;
  if (!was_last) return;
  core.engine.removed(found.identity.key);
  core.tree.removed(found);
}

Result<void> remove_name(Core& core, NodeId parent_id, const char* name, int flags) {
  const Result<Reached> parent = core.tree.reach(parent_id);
  if (!parent) return fail(parent.error());
  const Result<Found> victim = core.tree.find(parent->fd->get(), name);
  if (!victim) return fail(victim.error());
  const OngoingMutation mutation =
      core.engine.begin(Mutation(parent->node->key(), MutationClass::data)
                            .touches(victim->identity.key, MutationClass::metadata));
  if (const Result<void> removed = backing::unlink(parent->fd->get(), name, flags); !removed) return removed;
  lost_name(core, *victim);
  return {};
}

/// A rename that leaves a whiteout may fail when ext4 has changed the directories already (ext4_rename), of
/// which a kernel that is told of the failure asks nothing again.
void invalidate_times(Core& core, const Reached& from, const Reached& to) {
  core.session->invalidate_attributes(from.node->id());
  core.session->invalidate_attributes(to.node->id());
}

}  // namespace

Remembered remember(Core& core, Found found, NodeId parent, const char* name) {
  NodePtr node = core.tree.nodes().remember(std::move(found.identity), parent, name);
  drop_what_is_older(core, *node, found.attributes.stat, std::nullopt);
  Entry entry{};
  entry.attr = core.tree.visible(node->limits(), found.attributes.stat);
  entry.attr_timeout = attributes_timeout(core, *node, entry.attr);
  entry.entry_timeout = core.timeouts.entry;
  entry.ino = node->id();
  return {std::move(node), entry};
}

Result<Entry> lookup(Core& core, NodeId parent_id, const char* name) {
  const Result<Reached> parent = core.tree.reach(parent_id);
  if (!parent) return fail(parent.error());
  Result<Found> found = core.tree.find(parent->fd->get(), name);
  if (!found) return fail(found.error());
  return remember(core, std::move(*found), parent_id, name).entry;
}

void forget(Core& core, NodeId id, std::uint64_t lookups) {
  const NodePtr gone = core.tree.forget(id, lookups);
  if (!gone) return;
  left_io_mode(core, *gone);
  const SharedFd held = core.engine.held_descriptor(gone->key());
  if (!held) return;
  // A file that lost its last name while it was open may have been written since. Nobody can reach it now,
  // and the descriptor for its syncs would keep its space from being freed.
  const Result<backing::Attributes> attributes = backing::attributes(held->get());
  if (attributes && attributes->stat.st_nlink == 0) core.engine.removed(gone->key());
}

Result<Entry> make_directory(Core& core, const Caller& caller, NodeId parent, const char* name, mode_t mode) {
  return create_name(core, caller, parent, name, S_IFDIR,
                     [&](int fd) { return backing::make_directory(fd, name, mode); });
}

Result<Entry> make_node(Core& core, const Caller& caller, NodeId parent, const char* name, mode_t mode,
                        dev_t device) {
  const mode_t type = (mode & S_IFMT) != 0 ? mode & S_IFMT : S_IFREG;
  return create_name(core, caller, parent, name, type,
                     [&](int fd) { return backing::make_node(fd, name, mode, device); });
}

Result<Entry> make_symlink(Core& core, const Caller& caller, const char* target, NodeId parent,
                           const char* name) {
  return create_name(core, caller, parent, name, S_IFLNK,
                     [&](int fd) { return backing::make_symlink(target, fd, name); });
}

Result<Entry> link(Core& core, NodeId id, NodeId new_parent, const char* new_name) {
  const Result<Reached> file = core.tree.reach(id);
  if (!file) return fail(file.error());
  const Result<Reached> parent = core.tree.reach(new_parent);
  if (!parent) return fail(parent.error());
  const OngoingMutation mutation = begin_link(core, *file, *parent);
  if (const Result<void> linked = backing::link(file->fd->get(), parent->fd->get(), new_name); !linked) {
    return fail(linked.error());
  }
  Result<Found> found = core.tree.find(parent->fd->get(), new_name);
  if (!found) {
    take_back(parent->fd->get(), new_name, file->fd->get());
    return fail(found.error());
  }
  file->node->set_awaits_name(false);
  return remember(core, std::move(*found), new_parent, new_name).entry;
}

Result<void> unlink(Core& core, NodeId parent, const char* name) {
  return remove_name(core, parent, name, 0);
}

Result<void> remove_directory(Core& core, NodeId parent, const char* name) {
  return remove_name(core, parent, name, AT_REMOVEDIR);
}

Result<void> rename(Core& core, const Caller& caller, NodeId parent, const char* name, NodeId new_parent,
                    const char* new_name, unsigned flags) {
  const Result<Reached> from = core.tree.reach(parent);
  if (!from) return fail(from.error());
  const Result<Reached> to = core.tree.reach(new_parent);
  if (!to) return fail(to.error());
  const Result<Found> moved = core.tree.find(from->fd->get(), name);
  if (!moved) return fail(moved.error());
  const Result<Found> replaced = core.tree.find(to->fd->get(), new_name);
  // Whoever loses a name must be known, or it would be synced as if it had one.
  if (!replaced && replaced.error() != sluice::Errno(ENOENT)) return fail(replaced.error());

  Mutation touched(moved->identity.key, MutationClass::metadata);
  touched.touches(from->node->key(), MutationClass::data).touches(to->node->key(), MutationClass::data);
  if (replaced) touched.touches(replaced->identity.key, MutationClass::metadata);
  const OngoingMutation mutation = core.engine.begin(touched);
  const Result<void> renamed = [&] {
    std::optional<CallerScope> as_caller;
    if ((flags & RENAME_WHITEOUT) != 0) as_caller.emplace(caller);  // The whiteout is the caller's.
    return backing::rename(from->fd->get(), name, to->fd->get(), new_name, flags);
  }();
  if (!renamed) {
    if ((flags & RENAME_WHITEOUT) != 0) invalidate_times(core, *from, *to);
    return renamed;
  }

  const bool same_inode = replaced && replaced->identity.key == moved->identity.key;
  if (same_inode) return {};  // Two names of one file: rename(2) does nothing.
  core.tree.nodes().renamed({moved->identity.key, moved->identity.mount_id}, new_parent, new_name);
  if (!replaced) return {};
  if ((flags & RENAME_EXCHANGE) != 0) {
    core.tree.nodes().renamed({replaced->identity.key, replaced->identity.mount_id}, parent, name);
  } else {
    lost_name(core, *replaced);
  }
  return {};
}

Result<std::string> read_link(Core& core, NodeId id) {
  const Result<Reached> link = core.tree.reach(id);
  if (!link) return fail(link.error());
  return backing::read_link(link->fd->get());
}

}  // namespace sluicefs::ops
