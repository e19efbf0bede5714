#pragma once

#include "wire/fuse_api.h"

namespace sluicefs {

// One for each request, as libfuse's fuse_lowlevel_ops wants it: each takes the request apart, has it done by
// `ops` and answers it.

// dispatch_names.cc
void on_lookup(fuse_req_t request, fuse_ino_t parent, const char* name);
void on_forget(fuse_req_t request, fuse_ino_t node, uint64_t lookups);
void on_forget_multi(fuse_req_t request, size_t count, fuse_forget_data* forgets);
void on_mkdir(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode);
void on_mknod(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, dev_t device);
void on_symlink(fuse_req_t request, const char* target, fuse_ino_t parent, const char* name);
void on_link(fuse_req_t request, fuse_ino_t node, fuse_ino_t new_parent, const char* new_name);
void on_unlink(fuse_req_t request, fuse_ino_t parent, const char* name);
void on_rmdir(fuse_req_t request, fuse_ino_t parent, const char* name);
void on_rename(fuse_req_t request, fuse_ino_t parent, const char* name, fuse_ino_t new_parent,
               const char* new_name, unsigned flags);
void on_readlink(fuse_req_t request, fuse_ino_t node);

// dispatch_attributes.cc
void on_getattr(fuse_req_t request, fuse_ino_t node, fuse_file_info*);
void on_setattr(fuse_req_t request, fuse_ino_t node, struct stat* attributes, int to_set,
                fuse_file_info* file);
void on_statfs(fuse_req_t request, fuse_ino_t node);
void on_setxattr(fuse_req_t request, fuse_ino_t node, const char* name, const char* value, size_t size,
                 int flags);
void on_removexattr(fuse_req_t request, fuse_ino_t node, const char* name);
void on_getxattr(fuse_req_t request, fuse_ino_t node, const char* name, size_t size);
void on_listxattr(fuse_req_t request, fuse_ino_t node, size_t size);

// dispatch_files.cc
void on_open(fuse_req_t request, fuse_ino_t node, fuse_file_info* file);
void on_create(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode, fuse_file_info* file);
void on_release(fuse_req_t request, fuse_ino_t, fuse_file_info* file);
void on_read(fuse_req_t request, fuse_ino_t, size_t size, off_t offset, fuse_file_info* file);
void on_write(fuse_req_t request, fuse_ino_t, const char* data, size_t size, off_t offset,
              fuse_file_info* file);
void on_copy_file_range(fuse_req_t request, fuse_ino_t, off_t from_offset, fuse_file_info* from, fuse_ino_t,
                        off_t to_offset, fuse_file_info* to, size_t length, int);
void on_fallocate(fuse_req_t request, fuse_ino_t, int mode, off_t offset, off_t length, fuse_file_info* file);
void on_lseek(fuse_req_t request, fuse_ino_t, off_t offset, int whence, fuse_file_info* file);
void on_fsync(fuse_req_t request, fuse_ino_t, int data_only, fuse_file_info* file);

// dispatch_directories.cc
void on_opendir(fuse_req_t request, fuse_ino_t node, fuse_file_info* file);
void on_releasedir(fuse_req_t request, fuse_ino_t, fuse_file_info* file);
void on_readdir(fuse_req_t request, fuse_ino_t, size_t size, off_t offset, fuse_file_info* file);
void on_readdirplus(fuse_req_t request, fuse_ino_t, size_t size, off_t offset, fuse_file_info* file);
void on_fsyncdir(fuse_req_t request, fuse_ino_t, int, fuse_file_info* file);

}  // namespace sluicefs
