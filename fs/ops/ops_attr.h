#pragma once

#include <sys/stat.h>

#include <optional>
#include <span>

#include "ops/core.h"

/// Operations on attributes and extended attributes. As in ops_namespace.h, a mutation has ended on return.
namespace sluicefs::ops {

sluice::Result<struct stat> get_attributes(Core& core, NodeId node);
/// How long the kernel may believe these attributes of it, in seconds.
double attributes_timeout(const Core& core, NodeId node, const struct stat& attributes);

/// What SETATTR asks for; `to_set` has libfuse's FUSE_SET_ATTR_* bits.
struct AttributeChange {
  struct stat attributes;
  int to_set;
  /// The handle that the caller used, if any.
  std::optional<std::uint64_t> handle;
  /// For a change of size or owner.
  SetidDuty setid;
  uid_t caller;
};
/// To change the size: EBADF when the handle is not open, EINVAL without one when it is no regular file.
sluice::Result<struct stat> set_attributes(Core& core, NodeId node, const AttributeChange& change);

sluice::Result<void> set_xattr(Core& core, const SetidDuty& setid, NodeId node, const char* name,
                               std::span<const char> value, int flags);
sluice::Result<std::size_t> get_xattr(Core& core, NodeId node, const char* name, std::span<char> value);
/// Those that the file system of the source shows to such a caller.
sluice::Result<std::size_t> list_xattrs(Core& core, const Caller& caller, NodeId node, std::span<char> names);
sluice::Result<void> remove_xattr(Core& core, NodeId node, const char* name);
sluice::Result<struct statvfs> statistics(Core& core, NodeId node);

}  // namespace sluicefs::ops
