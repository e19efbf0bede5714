#pragma once

#include <cstdint>
#include <optional>

#include "ops/core.h"
#include "wire/reply.h"

/// FSYNC and FSYNCDIR. Both return at once; the answer is sent from the engine when the cover is durable, or
/// by the calling thread when it is already. The kernel holds the inode until then (fuse_fsync,
/// fuse_dir_fsync), so there is at most one a time per inode.
namespace sluicefs::ops {

void sync_file(Core& core, std::uint64_t handle, bool data_only, Reply reply);
/// Always a full sync: what a caller wants of a directory are its entries, and fdatasync(2) promises no less
/// of them.
/// The kernel sends no FSYNC after a write of such an open file (DataPath::direct); O_SYNC and O_DSYNC are
/// for the write's answer to do.
bool is_direct(const Core& core, std::uint64_t handle);
/// What a copy or an allocation by such an open file must be made durable by before it is answered, if at
/// all: unlike for a cached write the kernel sends no FSYNC after it, and their requests do not have the
/// flags.
std::optional<sluice::SyncKind> synced_by(const Core& core, std::uint64_t handle);
/// Answers a write of `written` bytes when they are durable.
void sync_written(Core& core, std::uint64_t handle, bool data_only, std::size_t written, Reply reply);
void sync_directory(Core& core, std::uint64_t handle, Reply reply);

}  // namespace sluicefs::ops
