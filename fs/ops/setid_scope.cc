#include "ops/setid_scope.h"

#include "wire/wire.h"

namespace sluicefs {

SetidScope::SetidScope(Core& core, const Node& node, int fd, const SetidDuty& duty)
    : core_(core), node_(node), drop_(duty, fd) {}

SetidScope::~SetidScope() {
  if (drop_.had_bits()) core_.session->invalidate_attributes(node_.id());
}

}  // namespace sluicefs
