#include "ops/inode_change.h"

#include <fcntl.h>

#include <utility>

namespace sluicefs {

using sluice::Mutation;
using sluice::MutationClass;
using sluice::OngoingMutation;
using sluice::Result;
using sluice::SharedFd;
using sluice::UniqueFd;

SharedFd sync_descriptor(Core& core, const Node& node, const SharedFd& fd) {
  SharedFd held = core.engine.held_descriptor(node.key());
  if (held) return held;
  // Read-only, so that a program which is run from the source finds nobody who has it open for writing.
  Result<UniqueFd> opened = backing::reopen(fd->get(), O_RDONLY);
  // A user's daemon may be allowed to write a file and not to read it; the open file that writes must serve
  // then.
  held = opened ? share(std::move(*opened)) : fd;
  core.engine.hold_descriptor(node.key(), held);
  return held;
}

void hold_sync_descriptor(Core& core, const Node& node, const SharedFd& fd, const OngoingMutation& mutation) {
  if (mutation.first_since_sync()) sync_descriptor(core, node, fd);
}

namespace {

OngoingMutation begin(Core& core, const Node& node, const SharedFd& data) {
  const MutationClass mutation_class = data ? MutationClass::data : MutationClass::metadata;
  OngoingMutation mutation = core.engine.begin(Mutation(node.key(), mutation_class));
  if (data) hold_sync_descriptor(core, node, data, mutation);
  return mutation;
}

}  // namespace

InodeChange::InodeChange(Core& core, const Node& node, const SharedFd& data)
    : mutation_(begin(core, node, data)), own_(node.cached_data()) {}

}  // namespace sluicefs
