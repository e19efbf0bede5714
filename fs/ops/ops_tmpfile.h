#pragma once

#include "ops/open_file.h"

namespace sluicefs::ops {

/// open(2) with O_TMPFILE in the directory `parent`: makes a file that has no name, and opens it. It is found
/// by its open file alone (Node::nameless_fd) until link(2) gives it a name.
sluice::Result<Created> create_nameless(Core& core, const Caller& caller, NodeId parent, mode_t mode,
                                        int flags);

}  // namespace sluicefs::ops
