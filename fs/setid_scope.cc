#include "setid_scope.h"

#include "wire.h"

namespace sluicefs {

namespace {

bool has_bits(int fd) {
  const sluice::Result<backing::Attributes> attributes = backing::attributes(fd);
  return !attributes || (attributes->stat.st_mode & (S_ISUID | S_ISGID)) != 0;
}

}  // namespace

SetidScope::SetidScope(Core& core, const Node& node, int fd, const SetidDuty& duty)
    : core_(core), node_(node), had_bits_(duty.drop && has_bits(fd)), drop_(duty) {}

SetidScope::~SetidScope() {
  if (had_bits_) core_.session->forget_attributes(node_.id());
}

}  // namespace sluicefs
