#include "wire/reply.h"

#include <cerrno>

#include "sluice/check.h"
#include "wire/open_answer.h"

namespace sluicefs {

using sluice::Errno;

Errno error_to_tell(Errno error) {
  constexpr int kFirstOfTheKernelsOwn = 512;
  if (error == Errno(ENOSYS)) return Errno(EOPNOTSUPP);
  return error.value() < kFirstOfTheKernelsOwn ? error : Errno(EIO);
}

Reply::~Reply() {
  SLUICE_CHECK(request_ == nullptr);
}

fuse_req_t Reply::take() {
  SLUICE_CHECK(request_ != nullptr);
  return std::exchange(request_, nullptr);
}

bool Reply::ok() {
  return fuse_reply_err(take(), 0) == 0;
}
bool Reply::error(Errno error) {
  return fuse_reply_err(take(), error_to_tell(error).value()) == 0;
}
bool Reply::entry(const fuse_entry_param& entry) {
  return fuse_reply_entry(take(), &entry) == 0;
}
bool Reply::created(const fuse_entry_param& entry, const fuse_file_info& file, std::int32_t backing_id) {
  if (backing_id != 0) return answer_passthrough_create(take(), entry, file, backing_id) == 0;
  return fuse_reply_create(take(), &entry, &file) == 0;
}
bool Reply::attributes(const struct stat& attributes, double timeout_seconds) {
  return fuse_reply_attr(take(), &attributes, timeout_seconds) == 0;
}
bool Reply::opened(const fuse_file_info& file, std::int32_t backing_id) {
  if (backing_id != 0) return answer_passthrough_open(take(), file, backing_id) == 0;
  return fuse_reply_open(take(), &file) == 0;
}
bool Reply::written(std::size_t bytes) {
  return fuse_reply_write(take(), bytes) == 0;
}
bool Reply::bytes(std::span<const char> bytes) {
  return fuse_reply_buf(take(), bytes.data(), bytes.size()) == 0;
}
bool Reply::link_target(const char* target) {
  return fuse_reply_readlink(take(), target) == 0;
}
bool Reply::statistics(const struct statvfs& statistics) {
  return fuse_reply_statfs(take(), &statistics) == 0;
}
bool Reply::xattr_size(std::size_t bytes) {
  return fuse_reply_xattr(take(), bytes) == 0;
}
bool Reply::offset(off_t offset) {
  return fuse_reply_lseek(take(), offset) == 0;
}
void Reply::none() {
  fuse_reply_none(take());
}

}  // namespace sluicefs
