#include "fuse_requests.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

namespace sluicefs {

std::vector<ByNode> requests_by_node() {
  constexpr char kValue = 'v';
  return {
      {FUSE_LOOKUP, Argument().name("f")},
      {FUSE_GETATTR, Argument().with(fuse_getattr_in{})},
      {FUSE_SETATTR, Argument().with(filled<fuse_setattr_in>([](auto& in) {
         in.valid = FATTR_MODE;
         in.mode = 0600;
       }))},
      {FUSE_READLINK, {}},
      {FUSE_SYMLINK, Argument().name("n").name("target")},
      {FUSE_MKNOD,
       Argument().with(filled<fuse_mknod_in>([](auto& in) { in.mode = S_IFREG | 0600; })).name("n")},
      {FUSE_MKDIR, Argument()
                       .with(filled<fuse_mkdir_in>([](auto& in) {
                         in.mode = 0700;
                         in.umask = 0;
                       }))
                       .name("n")},
      {FUSE_UNLINK, Argument().name("f")},
      {FUSE_RMDIR, Argument().name("d")},
      {FUSE_RENAME, Argument()
                        .with(filled<fuse_rename_in>([&](auto& in) { in.newdir = FUSE_ROOT_ID; }))
                        .name("f")
                        .name("n")},
      {FUSE_RENAME2, Argument()
                         .with(filled<fuse_rename2_in>([&](auto& in) { in.newdir = FUSE_ROOT_ID; }))
                         .name("f")
                         .name("n")},
      {FUSE_LINK,
       Argument().with(filled<fuse_link_in>([&](auto& in) { in.oldnodeid = FUSE_ROOT_ID; })).name("n")},
      {FUSE_OPEN, Argument().with(filled<fuse_open_in>([&](auto& in) { in.flags = O_RDWR; }))},
      {FUSE_STATFS, {}},
      {FUSE_SETXATTR, Argument().with(std::array<std::uint32_t, 2>{1, 0}).name("user.a").with(kValue)},
      {FUSE_GETXATTR,
       Argument().with(filled<fuse_getxattr_in>([&](auto& in) { in.size = 16; })).name("user.a")},
      {FUSE_LISTXATTR, Argument().with(filled<fuse_getxattr_in>([&](auto& in) { in.size = 16; }))},
      {FUSE_REMOVEXATTR, Argument().name("user.a")},
      {FUSE_OPENDIR, Argument().with(filled<fuse_open_in>([&](auto& in) { in.flags = O_RDONLY; }))},
      {FUSE_CREATE, Argument()
                        .with(filled<fuse_create_in>([&](auto& in) {
                          in.flags = O_RDWR;
                          in.mode = 0600;
                        }))
                        .name("n")},
  };
}

std::vector<ByHandle> requests_by_file() {
  return {
      {FUSE_READ,
       [](std::uint64_t fh) {
         return Argument().with(filled<fuse_read_in>([&](auto& in) {
           in.fh = fh;
           in.size = 4096;
         }));
       }},
      {FUSE_WRITE,
       [](std::uint64_t fh) {
         return Argument()
             .with(filled<fuse_write_in>([&](auto& in) {
               in.fh = fh;
               in.size = 1;
             }))
             .with('x');
       }},
      {FUSE_FSYNC,
       [](std::uint64_t fh) {
         return Argument().with(filled<fuse_fsync_in>([&](auto& in) { in.fh = fh; }));
       }},
      {FUSE_FALLOCATE,
       [](std::uint64_t fh) {
         return Argument().with(filled<fuse_fallocate_in>([&](auto& in) {
           in.fh = fh;
           in.length = 1;
         }));
       }},
      {FUSE_LSEEK,
       [](std::uint64_t fh) {
         return Argument().with(filled<fuse_lseek_in>([&](auto& in) {
           in.fh = fh;
           in.whence = SEEK_DATA;
         }));
       }},
      {FUSE_COPY_FILE_RANGE,
       [](std::uint64_t fh) {
         return Argument().with(filled<fuse_copy_file_range_in>([&](auto& in) {
           in.fh_in = fh;
           in.nodeid_out = FUSE_ROOT_ID;
           in.fh_out = fh;
           in.len = 1;
         }));
       }},
      {FUSE_SETATTR,
       [](std::uint64_t fh) {
         return Argument().with(filled<fuse_setattr_in>([&](auto& in) {
           in.valid = FATTR_SIZE | FATTR_FH;
           in.fh = fh;
         }));
       }},
  };
}
std::vector<ByHandle> requests_by_directory() {
  return {
      {FUSE_READDIR,
       [](std::uint64_t fh) {
         return Argument().with(filled<fuse_read_in>([&](auto& in) {
           in.fh = fh;
           in.size = 4096;
         }));
       }},
      {FUSE_READDIRPLUS,
       [](std::uint64_t fh) {
         return Argument().with(filled<fuse_read_in>([&](auto& in) {
           in.fh = fh;
           in.size = 4096;
         }));
       }},
      {FUSE_FSYNCDIR,
       [](std::uint64_t fh) {
         return Argument().with(filled<fuse_fsync_in>([&](auto& in) { in.fh = fh; }));
       }},
  };
}

}  // namespace sluicefs
