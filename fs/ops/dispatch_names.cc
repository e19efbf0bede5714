#include <cerrno>
#include <span>
#include <string>

#include "ops/handlers.h"
#include "ops/ops_namespace.h"
#include "ops/request.h"

namespace sluicefs {

using sluice::Errno;
using sluice::Result;

namespace {

/// Answers with an entry; a kernel that does not take it does not owe the FORGET either.
void answer_entry(fuse_req_t request, const Result<fuse_entry_param>& result) {
  Core& core = core_of(request);
  answer(request, result, [&](Reply& reply, const fuse_entry_param& entry) {
    if (!reply.entry(entry)) ops::forget(core, entry.ino, 1);
  });
}

}  // namespace

void on_lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
  Core& core = core_of(request);
  Result<fuse_entry_param> entry = ops::lookup(core, parent, name);
  if (entry || entry.error() != Errno(ENOENT) || core.timeouts.negative <= 0)
    return answer_entry(request, entry);
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
  answer_entry(request, ops::make_directory(core_of(request), caller_of(request), parent, name, mode));
}

void on_mknod(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, dev_t device) {
  answer_entry(request, ops::make_node(core_of(request), caller_of(request), parent, name, mode, device));
}

void on_symlink(fuse_req_t request, const char* target, fuse_ino_t parent, const char* name) {
  answer_entry(request, ops::make_symlink(core_of(request), caller_of(request), target, parent, name));
}

void on_link(fuse_req_t request, fuse_ino_t node, fuse_ino_t new_parent, const char* new_name) {
  answer_entry(request, ops::link(core_of(request), node, new_parent, new_name));
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
  answer(request, ops::read_link(core_of(request), node),
         [](Reply& reply, const std::string& target) { reply.link_target(target.c_str()); });
}

}  // namespace sluicefs
