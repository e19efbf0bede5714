#include <optional>
#include <span>

#include "ops/handlers.h"
#include "ops/ops_attr.h"
#include "ops/request.h"

namespace sluicefs {

using sluice::Result;

namespace {

void answer_attributes(fuse_req_t request, fuse_ino_t node, const Result<struct stat>& attributes) {
  const Core& core = core_of(request);
  answer(request, attributes, [&](Reply& reply, const struct stat& found) {
    reply.attributes(found, ops::attributes_timeout(core, node, found));
  });
}

/// The answer to a question for an xattr or for their list: the bytes, or with no room for any, how many
/// there are.
template <typename Get>
void answer_xattr(fuse_req_t request, size_t size, Get get) {
  Buffer buffer(size);
  answer(request, get(buffer.all()), [&](Reply& reply, std::size_t got) {
    if (size == 0) {
      reply.xattr_size(got);
    } else {
      reply.bytes(buffer.first(got));
    }
  });
}

}  // namespace

void on_getattr(fuse_req_t request, fuse_ino_t node, fuse_file_info*) {
  answer_attributes(request, node, ops::get_attributes(core_of(request), node));
}

void on_setattr(fuse_req_t request, fuse_ino_t node, struct stat* attributes, int to_set,
                fuse_file_info* file) {
  const ops::AttributeChange change{*attributes, to_set,
                                    file != nullptr ? std::optional(file->fh) : std::nullopt,
                                    setid_duty(request), fuse_req_ctx(request)->uid};
  answer_attributes(request, node, ops::set_attributes(core_of(request), node, change));
}

void on_statfs(fuse_req_t request, fuse_ino_t node) {
  answer(request, ops::statistics(core_of(request), node),
         [](Reply& reply, const struct statvfs& statistics) { reply.statistics(statistics); });
}

void on_setxattr(fuse_req_t request, fuse_ino_t node, const char* name, const char* value, size_t size,
                 int flags) {
  answer(request,
         ops::set_xattr(core_of(request), setid_duty(request), node, name, bytes_of(value, size), flags));
}

void on_removexattr(fuse_req_t request, fuse_ino_t node, const char* name) {
  answer(request, ops::remove_xattr(core_of(request), node, name));
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

}  // namespace sluicefs
