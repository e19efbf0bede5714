#pragma once

#include "ops/core.h"
#include "process/credentials.h"

namespace sluicefs {

/// DropSetidScope for a change to what is in a file. If bits were on it, the kernel is made to ask for the
/// attributes again when the scope ends, before its request is answered: after a write, an allocation or a
/// truncating open it goes on believing the mode that it knew, and would run the changed program with them.
class SetidScope {
 public:
  /// `fd`: any descriptor of the inode. All must outlive the scope.
  SetidScope(Core& core, const Node& node, int fd, const SetidDuty& duty);
  ~SetidScope();
  SetidScope(const SetidScope&) = delete;
  SetidScope& operator=(const SetidScope&) = delete;

 private:
  Core& core_;
  const Node& node_;
  const DropSetidScope drop_;
};

}  // namespace sluicefs
