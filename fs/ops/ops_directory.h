#pragma once

#include <cstdint>
#include <vector>

#include "ops/core.h"

/// Reading directories. Offsets are the backing file system's own, so they are stable and telldir(3) works.
namespace sluicefs::ops {

/// `flags` as in open(2); of those only O_NOATIME changes what reading does to the source.
sluice::Result<std::uint64_t> open_directory(Core& core, NodeId node, int flags);
void release_directory(Core& core, std::uint64_t handle);

/// What READDIR and READDIRPLUS answer, ready to send.
struct Listing {
  std::vector<char> bytes;
  /// The nodes that it made the kernel look up, to be forgotten if the answer is not taken.
  std::vector<NodeId> lookups;
};
/// At most `size` bytes of entries that follow `offset`. `plus`: with attributes, each a lookup.
sluice::Result<Listing> read_directory(Core& core, fuse_req_t request, std::uint64_t handle, std::size_t size,
                                       off_t offset, bool plus);

}  // namespace sluicefs::ops
