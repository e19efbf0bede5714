#include "wire/raw_request.h"

#include <linux/fuse.h>

#include <cstdint>
#include <cstring>

namespace sluicefs {

namespace {

/// As COPY_FILE_RANGE; linux/fuse.h has it from protocol 7.45 (Linux 6.18) on, and libfuse serves it
/// from 3.18 on. Before, the kernel is told ENOSYS and asks for the other.
constexpr std::uint32_t kCopyFileRange64 = 53;

/// The argument of a request, which follows its header.
template <typename Argument>
bool argument(std::span<const char> request, Argument& to) {
  if (request.size() < sizeof(fuse_in_header) + sizeof to) return false;
  std::memcpy(&to, request.data() + sizeof(fuse_in_header), sizeof to);
  return true;
}

/// Without any of these a SETATTR is a chown(2) that names neither owner nor group.
constexpr std::uint32_t kChanges =
    FATTR_MODE | FATTR_UID | FATTR_GID | FATTR_SIZE | FATTR_ATIME | FATTR_MTIME | FATTR_KILL_SUIDGID;

bool drops_setid(const fuse_in_header& header, std::span<const char> request) {
  fuse_write_in write{};
  fuse_setattr_in setattr{};
  fuse_open_in open{};
  fuse_create_in create{};
  switch (header.opcode) {
    case FUSE_WRITE:
      return argument(request, write) && (write.write_flags & FUSE_WRITE_KILL_SUIDGID) != 0;
    case FUSE_SETATTR:
      if (!argument(request, setattr)) return false;
      if ((setattr.valid & (FATTR_UID | FATTR_GID)) != 0 || (setattr.valid & kChanges) == 0)
        return header.uid != 0;
      return (setattr.valid & FATTR_KILL_SUIDGID) != 0;
    case FUSE_OPEN:
      return argument(request, open) && (open.open_flags & FUSE_OPEN_KILL_SUIDGID) != 0;
    case FUSE_CREATE:
      return argument(request, create) && (create.open_flags & FUSE_OPEN_KILL_SUIDGID) != 0;
    case FUSE_FALLOCATE:
    case FUSE_COPY_FILE_RANGE:
    case kCopyFileRange64:
    case FUSE_SETXATTR:
      return header.uid != 0;
    default:
      return false;
  }
}

}  // namespace

RawRequest take_raw_request(std::span<char> request) {
  fuse_in_header header{};
  if (request.size() < sizeof header) return {};
  std::memcpy(&header, request.data(), sizeof header);
  const RawRequest raw{.drop_setid = drops_setid(header, request), .nameless = header.opcode == FUSE_TMPFILE};
  if (raw.nameless) {
    header.opcode = FUSE_CREATE;
    std::memcpy(request.data(), &header, sizeof header);
  }
  return raw;
}

}  // namespace sluicefs
