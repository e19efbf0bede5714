#include <fcntl.h>

#include <optional>
#include <span>
#include <utility>

#include "ops/handlers.h"
#include "ops/open_file.h"
#include "ops/ops_data.h"
#include "ops/ops_namespace.h"
#include "ops/ops_seek.h"
#include "ops/ops_sync.h"
#include "ops/ops_tmpfile.h"
#include "ops/request.h"

namespace sluicefs {

using sluice::Result;
using sluice::SyncKind;

namespace {

ops::Writer writer_of(fuse_req_t request) {
  return {fuse_req_ctx(request)->uid, setid_duty(request)};
}

void fill(fuse_file_info& file, const ops::Opened& opened) {
  file.fh = opened.handle;
  file.keep_cache = 1;  // open_cached_data() has seen to it. In passthrough it is left out.
  file.direct_io = opened.direct ? 1 : 0;
}

}  // namespace

void on_open(fuse_req_t request, fuse_ino_t node, fuse_file_info* file) {
  Core& core = core_of(request);
  answer(request, ops::open(core, node, file->flags, setid_duty(request)),
         [&](Reply& reply, const ops::Opened& opened) {
           fill(*file, opened);
           if (!reply.opened(*file, opened.backing_id)) ops::release(core, opened.handle);
         });
}

void on_create(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, fuse_file_info* file) {
  Core& core = core_of(request);
  const Result<ops::Created> result =
      Session::raw_request().nameless
          ? ops::create_nameless(core, caller_of(request), parent, mode, file->flags)
          : ops::create(core, caller_of(request), parent, name, mode, file->flags, setid_duty(request));
  answer(request, result, [&](Reply& reply, const ops::Created& created) {
    fill(*file, created.opened);
    if (reply.created(created.entry, *file, created.opened.backing_id)) return;
    ops::release(core, created.opened.handle);
    ops::forget(core, created.entry.ino, 1);
  });
}

void on_release(fuse_req_t request, fuse_ino_t, fuse_file_info* file) {
  ops::release(core_of(request), file->fh);
  Reply(request).ok();
}

void on_read(fuse_req_t request, fuse_ino_t, size_t size, off_t offset, fuse_file_info* file) {
  Buffer buffer(size);
  answer(request, ops::read(core_of(request), file->fh, buffer.all(), offset),
         [&](Reply& reply, std::size_t read) { reply.bytes(buffer.first(read)); });
}

void on_write(fuse_req_t request, fuse_ino_t, const char* data, size_t size, off_t offset,
              fuse_file_info* file) {
  const ops::WriteOrigin origin{file->writepage != 0, writer_of(request), (file->flags & O_APPEND) != 0};
  Core& core = core_of(request);
  const int flags = file->flags;
  const std::uint64_t handle = file->fh;
  answer(request, ops::write(core, handle, bytes_of(data, size), offset, origin),
         [&](Reply& reply, std::size_t written) {
           ops::answer_written(core, handle, ops::synced_write(core, handle, flags), written,
                               std::move(reply));
         });
}

void on_copy_file_range(fuse_req_t request, fuse_ino_t, off_t from_offset, fuse_file_info* from, fuse_ino_t,
                        off_t to_offset, fuse_file_info* to, size_t length, int) {
  Core& core = core_of(request);
  const std::uint64_t target = to->fh;
  answer(request,
         ops::copy_range(core, writer_of(request), {from->fh, from_offset}, {target, to_offset}, length),
         [&](Reply& reply, std::size_t written) {
           const auto kind = written > 0 ? ops::synced_change(core, target) : std::nullopt;
           ops::answer_written(core, target, kind, written, std::move(reply));
         });
}

void on_fallocate(fuse_req_t request, fuse_ino_t, int mode, off_t offset, off_t length,
                  fuse_file_info* file) {
  Core& core = core_of(request);
  const std::uint64_t handle = file->fh;
  const Result<void> allocated = ops::allocate(core, writer_of(request), handle, mode, offset, length);
  Reply reply(request);
  const auto kind = allocated ? ops::synced_change(core, handle) : std::nullopt;
  if (kind) {
    ops::sync_file(core, handle, *kind, std::move(reply));
  } else {
    reply.result(allocated);
  }
}

void on_lseek(fuse_req_t request, fuse_ino_t, off_t offset, int whence, fuse_file_info* file) {
  answer(request, ops::seek(core_of(request), file->fh, offset, whence),
         [](Reply& reply, off_t at) { reply.offset(at); });
}

void on_fsync(fuse_req_t request, fuse_ino_t, int data_only, fuse_file_info* file) {
  ops::sync_file(core_of(request), file->fh, data_only != 0 ? SyncKind::data : SyncKind::full,
                 Reply(request));
}

}  // namespace sluicefs
