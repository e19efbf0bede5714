#include "ops/handlers.h"
#include "ops/ops_directory.h"
#include "ops/ops_namespace.h"
#include "ops/ops_sync.h"
#include "ops/request.h"

namespace sluicefs {

namespace {

void list(fuse_req_t request, size_t size, off_t offset, const fuse_file_info& file, bool plus) {
  Core& core = core_of(request);
  answer(request, ops::read_directory(core, request, file.fh, size, offset, plus),
         [&](Reply& reply, const ops::Listing& listing) {
           if (reply.bytes(listing.bytes)) return;
           for (const NodeId node : listing.lookups) ops::forget(core, node, 1);
         });
}

}  // namespace

void on_opendir(fuse_req_t request, fuse_ino_t node, fuse_file_info* file) {
  Core& core = core_of(request);
  answer(request, ops::open_directory(core, node, file->flags), [&](Reply& reply, std::uint64_t handle) {
    file->fh = handle;
    if (!reply.opened(*file)) ops::release_directory(core, handle);
  });
}

void on_releasedir(fuse_req_t request, fuse_ino_t, fuse_file_info* file) {
  ops::release_directory(core_of(request), file->fh);
  Reply(request).ok();
}

void on_readdir(fuse_req_t request, fuse_ino_t, size_t size, off_t offset, fuse_file_info* file) {
  list(request, size, offset, *file, false);
}

void on_readdirplus(fuse_req_t request, fuse_ino_t, size_t size, off_t offset, fuse_file_info* file) {
  list(request, size, offset, *file, true);
}

void on_fsyncdir(fuse_req_t request, fuse_ino_t, int, fuse_file_info* file) {
  ops::sync_directory(core_of(request), file->fh, Reply(request));
}

}  // namespace sluicefs
