#pragma once

#include <sys/types.h>
#include <string>

#include "ops/core.h"

/// Operations on names. Each takes what the kernel sent and returns what it is to be told; a mutation it
/// makes has ended when it returns. ESTALE: there is no such node any more. EINVAL: a name that must be
/// looked up is no component of a path ("." or ".."). ELOOP: it is that of the mount itself. Else the
/// source's error. An entry that is returned is a lookup that the kernel owns: if it does not take it,
/// forget(..., 1) is due.
namespace sluicefs::ops {

using Entry = fuse_entry_param;

sluice::Result<Entry> lookup(Core& core, NodeId parent, const char* name);
/// FORGET, and what is to be done when the kernel does not take an answer with an entry.
void forget(Core& core, NodeId node, std::uint64_t lookups);
sluice::Result<Entry> make_directory(Core& core, const Caller& caller, NodeId parent, const char* name,
                                     mode_t mode);
sluice::Result<Entry> make_node(Core& core, const Caller& caller, NodeId parent, const char* name,
                                mode_t mode, dev_t device);
sluice::Result<Entry> make_symlink(Core& core, const Caller& caller, const char* target, NodeId parent,
                                   const char* name);
sluice::Result<Entry> link(Core& core, NodeId node, NodeId new_parent, const char* new_name);
sluice::Result<void> unlink(Core& core, NodeId parent, const char* name);
sluice::Result<void> remove_directory(Core& core, NodeId parent, const char* name);
sluice::Result<void> rename(Core& core, const Caller& caller, NodeId parent, const char* name,
                            NodeId new_parent, const char* new_name, unsigned flags);
sluice::Result<std::string> read_link(Core& core, NodeId node);

/// The kernel's lookup of what was found: its node, and the answer that LOOKUP, CREATE and READDIRPLUS carry.
/// Whoever does not answer with it owes forget(..., 1).
struct Remembered {
  NodePtr node;
  Entry entry;
};
Remembered remember(Core& core, Found found, NodeId parent, const char* name);

}  // namespace sluicefs::ops
