#include "ops/dispatch.h"

#include "ops/handlers.h"
#include "source/node_table.h"

namespace sluicefs {

namespace {

static_assert(kRootNode == FUSE_ROOT_ID);

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
