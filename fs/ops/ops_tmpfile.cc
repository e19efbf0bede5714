#include "ops/ops_tmpfile.h"

#include <fcntl.h>

#include <string>
#include <utility>

namespace sluicefs::ops {

using sluice::fail;
using sluice::Result;
using sluice::UniqueFd;

Result<Created> create_nameless(Core& core, const Caller& caller, NodeId parent_id, mode_t mode, int flags) {
  const Result<Reached> parent = core.tree.reach(parent_id);
  if (!parent) return fail(parent.error());
  Result<UniqueFd> fd = [&] {
    const CallerScope as_caller(caller);
    // With O_EXCL it may never get a name (vfs_tmpfile).
    const int how = creation_flags(core, flags) | O_TMPFILE | (flags & O_EXCL);
    return backing::open_at(parent->fd->get(), ".", how, mode);
  }();
  if (!fd) return fail(fd.error());
  Result<Found> found = core.tree.identify(fd->get());
  if (!found) return fail(found.error());
  const std::string for_people = "#" + std::to_string(found->attributes.stat.st_ino);
  const Remembered file = remember(core, std::move(*found), parent_id, for_people.c_str());
  file.node->set_awaits_name(true);
  return opened_new(core, file, std::move(*fd), flags);
}

}  // namespace sluicefs::ops
