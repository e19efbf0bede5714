#include "wire/open_answer.h"

#include <linux/fuse.h>

#include <cmath>

#include "wire/passthrough_abi.h"

namespace sluicefs {

#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 17)

namespace {

fuse_file_info with_backing(const fuse_file_info& file, std::int32_t backing_id) {
  fuse_file_info passed = file;
  passed.keep_cache = 0;
  passed.backing_id = backing_id;
  return passed;
}

}  // namespace

int answer_passthrough_open(fuse_req_t request, const fuse_file_info& file, std::int32_t backing_id) {
  const fuse_file_info passed = with_backing(file, backing_id);
  return fuse_reply_open(request, &passed);
}

int answer_passthrough_create(fuse_req_t request, const fuse_entry_param& entry, const fuse_file_info& file,
                              std::int32_t backing_id) {
  const fuse_file_info passed = with_backing(file, backing_id);
  return fuse_reply_create(request, &entry, &passed);
}

#else

namespace {

fuse_open_out open_part(const fuse_file_info& file, std::int32_t backing_id) {
  fuse_open_out out{};
  out.fh = file.fh;
  out.open_flags = abi::kOpenPassthrough | (file.direct_io != 0 ? FOPEN_DIRECT_IO : 0);
  abi::set_backing_id(out, backing_id);
  return out;
}

/// Of a time in seconds that is not negative.
void set_timeout(double timeout_s, std::uint64_t& seconds, std::uint32_t& nanoseconds) {
  const double whole = std::floor(timeout_s);
  seconds = static_cast<std::uint64_t>(whole);
  nanoseconds = static_cast<std::uint32_t>((timeout_s - whole) * 1e9);
}

fuse_attr attributes_part(const struct stat& stat) {
  fuse_attr attr{};
  attr.ino = stat.st_ino;
  attr.mode = stat.st_mode;
  attr.nlink = static_cast<std::uint32_t>(stat.st_nlink);
  attr.uid = stat.st_uid;
  attr.gid = stat.st_gid;
  attr.rdev = static_cast<std::uint32_t>(stat.st_rdev);
  attr.size = static_cast<std::uint64_t>(stat.st_size);
  attr.blksize = static_cast<std::uint32_t>(stat.st_blksize);
  attr.blocks = static_cast<std::uint64_t>(stat.st_blocks);
  attr.atime = static_cast<std::uint64_t>(stat.st_atim.tv_sec);
  attr.mtime = static_cast<std::uint64_t>(stat.st_mtim.tv_sec);
  attr.ctime = static_cast<std::uint64_t>(stat.st_ctim.tv_sec);
  attr.atimensec = static_cast<std::uint32_t>(stat.st_atim.tv_nsec);
  attr.mtimensec = static_cast<std::uint32_t>(stat.st_mtim.tv_nsec);
  attr.ctimensec = static_cast<std::uint32_t>(stat.st_ctim.tv_nsec);
  return attr;
}

fuse_entry_out entry_part(const fuse_entry_param& entry) {
  fuse_entry_out out{};
  out.nodeid = entry.ino;
  out.generation = entry.generation;
  set_timeout(entry.entry_timeout, out.entry_valid, out.entry_valid_nsec);
  set_timeout(entry.attr_timeout, out.attr_valid, out.attr_valid_nsec);
  out.attr = attributes_part(entry.attr);
  return out;
}

template <typename Out>
int send(fuse_req_t request, const Out& out) {
  return fuse_reply_buf(request, reinterpret_cast<const char*>(&out), sizeof out);
}

}  // namespace

int answer_passthrough_open(fuse_req_t request, const fuse_file_info& file, std::int32_t backing_id) {
  return send(request, open_part(file, backing_id));
}

int answer_passthrough_create(fuse_req_t request, const fuse_entry_param& entry, const fuse_file_info& file,
                              std::int32_t backing_id) {
  struct {
    fuse_entry_out entry;
    fuse_open_out open;
  } const out{entry_part(entry), open_part(file, backing_id)};
  return send(request, out);
}

#endif

}  // namespace sluicefs
