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

void hold_sync_descriptor(Core& core, const Node& node, const SharedFd& fd, const OngoingMutation& mutation) {
  if (!mutation.first_since_sync() || core.engine.held_descriptor(node.key())) return;
  // Read-only, so that a program which is run from the source finds nobody who has it open for writing.
  Result<UniqueFd> opened = backing::reopen(fd->get(), O_RDONLY);
  // A user's daemon may be allowed to write a file and not to read it; the open file that writes must serve
  // then.
  core.engine.hold_descriptor(node.key(), opened ? share(std::move(*opened)) : fd);
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
