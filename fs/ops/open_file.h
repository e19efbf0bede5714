#pragma once

#include <utility>

#include "ops/core.h"
#include "ops/ops_namespace.h"

namespace sluicefs {

/// What an application's open(2) flags come to on the source: access mode and O_NOATIME. Appending,
/// synchronous and direct I/O are not the backing open file's business: we append by write (RWF_APPEND), sync
/// by barriers (errseq may be consumed by nobody but the engine), and a mapping's pages, in odd sizes, are
/// written through the same descriptor.
int backing_flags(int application_flags);

/// Opens a node for a program: as Tree::open_node, and with O_NOATIME on a mount that keeps access times,
/// where the daemon may (it owns the file, or has CAP_FOWNER).
sluice::Result<sluice::UniqueFd> open_for_program(Core& core, const Node& node, int flags);

}  // namespace sluicefs

namespace sluicefs::ops {

/// A handle that was opened.
struct Opened {
  std::uint64_t handle;
  /// What the kernel is to pass its data through to; 0: it is tracked.
  std::int32_t backing_id;
  /// As DataPath has it.
  bool direct;
};

/// OPEN of a regular file; O_TRUNC included, which is what `setid` is for. ESTALE: it is no regular file, or
/// there is no such node. EAGAIN: see open_cached_data(). EINVAL and others: see choose_io_mode().
sluice::Result<Opened> open(Core& core, NodeId node, int flags, const SetidDuty& setid);

struct Created {
  Entry entry;
  Opened opened;
};
/// CREATE: makes the file, or opens it where it exists and `flags` does not hold O_EXCL.
sluice::Result<Created> create(Core& core, const Caller& caller, NodeId parent, const char* name, mode_t mode,
                               int flags, const SetidDuty& setid);

/// What open(2) of the source takes to create a file for a program that opens it with `flags`.
int creation_flags(const Core& core, int flags);
/// The answer for a file that is new in the source, where `fd` was opened as it was made. Fails only where
/// others have found it already and opened it, see choose_io_mode().
sluice::Result<Created> opened_new(Core& core, const Remembered& file, sluice::UniqueFd fd, int flags);

/// EBADF when there is no such handle.
sluice::Result<std::shared_ptr<OpenFile>> open_file(const Core& core, std::uint64_t handle);
/// Does nothing when there is no such handle.
void release(Core& core, std::uint64_t handle);

}  // namespace sluicefs::ops
