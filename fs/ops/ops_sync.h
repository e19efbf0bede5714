#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "ops/core.h"
#include "wire/reply.h"

/// FSYNC and FSYNCDIR. Both return at once; the answer is sent from the engine when the cover is durable, or
/// by the calling thread when it is already. The kernel holds the inode until then (fuse_fsync,
/// fuse_dir_fsync), so there is at most one a time per inode.
namespace sluicefs::ops {

void sync_file(Core& core, std::uint64_t handle, sluice::SyncKind kind, Reply reply);
/// Always a full sync: what a caller wants of a directory are its entries, and fdatasync(2) promises no less
/// of them.
void sync_directory(Core& core, std::uint64_t handle, Reply reply);

/// By what a write with a program's `flags` must be durable before it is answered; none where the kernel
/// sends an FSYNC after it, which is everywhere but in DataPath::direct.
std::optional<sluice::SyncKind> synced_write(const Core& core, std::uint64_t handle, int flags);
/// The same of a copy or an allocation: the kernel sends no FSYNC after those, and their requests do not have
/// the flags.
std::optional<sluice::SyncKind> synced_change(const Core& core, std::uint64_t handle);
/// Answers that `written` bytes were written: at once, or when they are durable, by a sync of that kind.
void answer_written(Core& core, std::uint64_t handle, std::optional<sluice::SyncKind> kind,
                    std::size_t written, Reply reply);

}  // namespace sluicefs::ops
