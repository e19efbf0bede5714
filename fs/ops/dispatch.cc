#include "ops/dispatch.h"

#include <fcntl.h>

#include <cerrno>
#include <memory>
#include <span>
#include <utility>

#include "ops/open_file.h"
#include "ops/ops_attr.h"
#include "ops/ops_data.h"
#include "ops/ops_directory.h"
#include "ops/ops_namespace.h"
#include "ops/ops_seek.h"
#include "ops/ops_sync.h"
#include "ops/ops_tmpfile.h"
#include "wire/reply.h"
#include "wire/wire.h"

namespace sluicefs {

namespace {

static_assert(kRootNode == FUSE_ROOT_ID);

using sluice::Errno;
using sluice::Result;

Core& core_of(fuse_req_t request) {
  return *static_cast<Core*>(Session::context_of(request));
}

Caller caller_of(fuse_req_t request) {
  const fuse_ctx* const context = fuse_req_ctx(request);
  return {context->uid, context->gid, context->umask};
}

SetidDuty setid_duty(fuse_req_t request) {
  const fuse_ctx* const context = fuse_req_ctx(request);
  return {Session::raw_request().drop_setid, context->gid, context->pid};
}

ops::Writer writer_of(fuse_req_t request) {
  return {fuse_req_ctx(request)->uid, setid_duty(request)};
}

std::span<const char> bytes_of(const char* data, std::size_t size) {
  return {data, size};
}

/// A buffer for an answer, not initialised.
class Buffer {
 public:
  explicit Buffer(std::size_t size) : data_(std::make_unique_for_overwrite<char[]>(size)), size_(size) {}
  [[nodiscard]] std::span<char> all() { return {data_.get(), size_}; }
  [[nodiscard]] std::span<const char> first(std::size_t count) const { return {data_.get(), count}; }

 private:
  std::unique_ptr<char[]> data_;
  std::size_t size_;
};

/// Answers with an entry; a kernel that does not take it does not owe the FORGET either.
void answer(fuse_req_t request, const Result<fuse_entry_param>& entry) {
  Core& core = core_of(request);  // There is no request once it has been answered.
  Reply reply(request);
  if (!entry) {
    reply.error(entry.error());
  } else if (!reply.entry(*entry)) {
    ops::forget(core, entry->ino, 1);
  }
}

void answer(fuse_req_t request, const Result<void>& result) {
  Reply(request).result(result);
}

void answer_attributes(fuse_req_t request, const Result<struct stat>& attributes) {
  Reply reply(request);
  if (attributes) {
    reply.attributes(*attributes, core_of(request).timeouts.attributes);
  } else {
    reply.error(attributes.error());
  }
}

// ---- Names ----

void on_lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
  Core& core = core_of(request);
  Result<fuse_entry_param> entry = ops::lookup(core, parent, name);
  if (entry || entry.error() != Errno(ENOENT) || core.timeouts.negative <= 0) return answer(request, entry);
  fuse_entry_param negative{};
  negative.entry_timeout = core.timeouts.negative;
  Reply(request).entry(negative);
}

void on_forget(fuse_req_t request, fuse_ino_t node, uint64_t lookups) {
  ops::forget(core_of(request), node, lookups);
  Reply(request).none();
}

void on_forget_multi(fuse_req_t request, size_t count, fuse_forget_data* forgets) {
  for (const fuse_forget_data& forget : std::span(forgets, count)) {
    ops::forget(core_of(request), forget.ino, forget.nlookup);
  }
  Reply(request).none();
}

void on_mkdir(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode) {
  answer(request, ops::make_directory(core_of(request), caller_of(request), parent, name, mode));
}

void on_mknod(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, dev_t device) {
  answer(request, ops::make_node(core_of(request), caller_of(request), parent, name, mode, device));
}

void on_symlink(fuse_req_t request, const char* target, fuse_ino_t parent, const char* name) {
  answer(request, ops::make_symlink(core_of(request), caller_of(request), target, parent, name));
}

void on_link(fuse_req_t request, fuse_ino_t node, fuse_ino_t new_parent, const char* new_name) {
  answer(request, ops::link(core_of(request), node, new_parent, new_name));
}

void on_unlink(fuse_req_t request, fuse_ino_t parent, const char* name) {
  answer(request, ops::unlink(core_of(request), parent, name));
}

void on_rmdir(fuse_req_t request, fuse_ino_t parent, const char* name) {
  answer(request, ops::remove_directory(core_of(request), parent, name));
}

void on_rename(fuse_req_t request, fuse_ino_t parent, const char* name, fuse_ino_t new_parent,
               const char* new_name, unsigned flags) {
  answer(request,
         ops::rename(core_of(request), caller_of(request), parent, name, new_parent, new_name, flags));
}

void on_readlink(fuse_req_t request, fuse_ino_t node) {
  const Result<std::string> target = ops::read_link(core_of(request), node);
  Reply reply(request);
  target ? reply.link_target(target->c_str()) : reply.error(target.error());
}

// ---- Attributes ----

void on_getattr(fuse_req_t request, fuse_ino_t node, fuse_file_info*) {
  answer_attributes(request, ops::get_attributes(core_of(request), node));
}

void on_setattr(fuse_req_t request, fuse_ino_t node, struct stat* attributes, int to_set,
                fuse_file_info* file) {
  const ops::AttributeChange change{*attributes, to_set,
                                    file != nullptr ? std::optional(file->fh) : std::nullopt,
                                    setid_duty(request), fuse_req_ctx(request)->uid};
  answer_attributes(request, ops::set_attributes(core_of(request), node, change));
}

void on_statfs(fuse_req_t request, fuse_ino_t node) {
  const Result<struct statvfs> statistics = ops::statistics(core_of(request), node);
  Reply reply(request);
  statistics ? reply.statistics(*statistics) : reply.error(statistics.error());
}

void on_setxattr(fuse_req_t request, fuse_ino_t node, const char* name, const char* value, size_t size,
                 int flags) {
  answer(request,
         ops::set_xattr(core_of(request), setid_duty(request), node, name, bytes_of(value, size), flags));
}

void on_removexattr(fuse_req_t request, fuse_ino_t node, const char* name) {
  answer(request, ops::remove_xattr(core_of(request), node, name));
}

/// The answer to a question for an xattr or for their list: the bytes, or with no room for any, how many
/// there are.
template <typename Get>
void answer_xattr(fuse_req_t request, size_t size, Get get) {
  Buffer buffer(size);
  const Result<std::size_t> got = get(buffer.all());
  Reply reply(request);
  if (!got) {
    reply.error(got.error());
  } else if (size == 0) {
    reply.xattr_size(*got);
  } else {
    reply.bytes(buffer.first(*got));
  }
}

void on_getxattr(fuse_req_t request, fuse_ino_t node, const char* name, size_t size) {
  answer_xattr(request, size,
               [&](std::span<char> value) { return ops::get_xattr(core_of(request), node, name, value); });
}

void on_listxattr(fuse_req_t request, fuse_ino_t node, size_t size) {
  answer_xattr(request, size, [&](std::span<char> names) {
    return ops::list_xattrs(core_of(request), caller_of(request), node, names);
  });
}

// ---- Open files ----

void fill(fuse_file_info& file, const ops::Opened& opened) {
  file.fh = opened.handle;
  file.keep_cache = opened.keep_cache ? 1 : 0;
}

void on_open(fuse_req_t request, fuse_ino_t node, fuse_file_info* file) {
  Core& core = core_of(request);
  const Result<ops::Opened> opened = ops::open(core, node, file->flags, setid_duty(request));
  Reply reply(request);
  if (!opened) {
    reply.error(opened.error());
    return;
  }
  fill(*file, *opened);
  if (!reply.opened(*file)) ops::release(core, opened->handle);
}

void on_create(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, fuse_file_info* file) {
  Core& core = core_of(request);
  const Result<ops::Created> created =
      Session::raw_request().nameless
          ? ops::create_nameless(core, caller_of(request), parent, mode, file->flags)
          : ops::create(core, caller_of(request), parent, name, mode, file->flags, setid_duty(request));
  Reply reply(request);
  if (!created) {
    reply.error(created.error());
    return;
  }
  fill(*file, created->opened);
  if (reply.created(created->entry, *file)) return;
  ops::release(core, created->opened.handle);
  ops::forget(core, created->entry.ino, 1);
}

void on_release(fuse_req_t request, fuse_ino_t, fuse_file_info* file) {
  ops::release(core_of(request), file->fh);
  Reply(request).ok();
}

void on_read(fuse_req_t request, fuse_ino_t, size_t size, off_t offset, fuse_file_info* file) {
  Buffer buffer(size);
  const Result<std::size_t> read = ops::read(core_of(request), file->fh, buffer.all(), offset);
  Reply reply(request);
  read ? reply.bytes(buffer.first(*read)) : reply.error(read.error());
}

void answer_written(fuse_req_t request, const Result<std::size_t>& written) {
  Reply reply(request);
  written ? reply.written(*written) : reply.error(written.error());
}

void on_write(fuse_req_t request, fuse_ino_t, const char* data, size_t size, off_t offset,
              fuse_file_info* file) {
  const ops::WriteOrigin origin{file->writepage != 0, writer_of(request), (file->flags & O_APPEND) != 0};
  answer_written(request, ops::write(core_of(request), file->fh, bytes_of(data, size), offset, origin));
}

void on_copy_file_range(fuse_req_t request, fuse_ino_t, off_t from_offset, fuse_file_info* from, fuse_ino_t,
                        off_t to_offset, fuse_file_info* to, size_t length, int) {
  answer_written(request, ops::copy_range(core_of(request), writer_of(request), {from->fh, from_offset},
                                          {to->fh, to_offset}, length));
}

void on_fallocate(fuse_req_t request, fuse_ino_t, int mode, off_t offset, off_t length,
                  fuse_file_info* file) {
  answer(request, ops::allocate(core_of(request), writer_of(request), file->fh, mode, offset, length));
}

void on_lseek(fuse_req_t request, fuse_ino_t, off_t offset, int whence, fuse_file_info* file) {
  const Result<off_t> at = ops::seek(core_of(request), file->fh, offset, whence);
  Reply reply(request);
  at ? reply.offset(*at) : reply.error(at.error());
}

void on_fsync(fuse_req_t request, fuse_ino_t, int data_only, fuse_file_info* file) {
  ops::sync_file(core_of(request), file->fh, data_only != 0, Reply(request));
}

// ---- Directories ----

void on_opendir(fuse_req_t request, fuse_ino_t node, fuse_file_info* file) {
  Core& core = core_of(request);
  const Result<std::uint64_t> handle = ops::open_directory(core, node, file->flags);
  Reply reply(request);
  if (!handle) {
    reply.error(handle.error());
    return;
  }
  file->fh = *handle;
  if (!reply.opened(*file)) ops::release_directory(core, *handle);
}

void on_releasedir(fuse_req_t request, fuse_ino_t, fuse_file_info* file) {
  ops::release_directory(core_of(request), file->fh);
  Reply(request).ok();
}

void list(fuse_req_t request, size_t size, off_t offset, const fuse_file_info& file, bool plus) {
  Core& core = core_of(request);
  const Result<ops::Listing> listing = ops::read_directory(core, request, file.fh, size, offset, plus);
  Reply reply(request);
  if (!listing) {
    reply.error(listing.error());
  } else if (!reply.bytes(listing->bytes)) {
    for (const NodeId node : listing->lookups) ops::forget(core, node, 1);
  }
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

fuse_lowlevel_ops make_operations() {
  fuse_lowlevel_ops table{};
  table.lookup = on_lookup;
  table.forget = on_forget;
  table.forget_multi = on_forget_multi;
  table.mkdir = on_mkdir;
  table.mknod = on_mknod;
  table.symlink = on_symlink;
  table.link = on_link;
  table.unlink = on_unlink;
  table.rmdir = on_rmdir;
  table.rename = on_rename;
  table.readlink = on_readlink;
  table.getattr = on_getattr;
  table.setattr = on_setattr;
  table.statfs = on_statfs;
  table.setxattr = on_setxattr;
  table.getxattr = on_getxattr;
  table.listxattr = on_listxattr;
  table.removexattr = on_removexattr;
  table.open = on_open;
  table.create = on_create;
  table.release = on_release;
  table.read = on_read;
  table.write = on_write;
  table.copy_file_range = on_copy_file_range;
  table.fallocate = on_fallocate;
  table.lseek = on_lseek;
  table.fsync = on_fsync;
  table.opendir = on_opendir;
  table.releasedir = on_releasedir;
  table.readdir = on_readdir;
  table.readdirplus = on_readdirplus;
  table.fsyncdir = on_fsyncdir;
  // Not there on purpose: flush (nothing may consume the errors that our syncs are to see; the kernel writes
  // mapped pages back itself and then stops asking), access (default_permissions), getlk, setlk and flock
  // (locks are the kernel's own, local to this machine), ioctl.
  return table;
}

}  // namespace

const fuse_lowlevel_ops& operations() {
  static const fuse_lowlevel_ops table = make_operations();
  return table;
}

}  // namespace sluicefs
