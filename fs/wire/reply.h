#pragma once

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "sluice/result.h"
#include "wire/fuse_api.h"

namespace sluicefs {

/// The error as the kernel may be told it: EOPNOTSUPP for ENOSYS, from which it would gather that the whole
/// mount never does such a thing (fuse_do_open, fuse_file_fallocate and others), where it is one file system
/// of the source that does not; EIO for the kernel's own numbers from 512 on, which NFS and others let out
/// now and then, since it would not take such an answer and leave its caller waiting (fuse_dev_do_write).
sluice::Errno error_to_tell(sluice::Errno error);

/// The duty to answer one FUSE request. Move-only; answers exactly once, under no lock; destroyed unanswered
/// it ends the process, since the caller would wait for ever. May be answered by any thread.
class Reply {
 public:
  explicit Reply(fuse_req_t request) : request_(request) {}
  Reply(Reply&& other) noexcept : request_(std::exchange(other.request_, nullptr)) {}
  Reply(const Reply&) = delete;
  Reply& operator=(Reply&&) = delete;
  Reply& operator=(const Reply&) = delete;
  ~Reply();

  // Each answers. False: the kernel did not take the answer (the request was interrupted or the mount
  // aborted), so that what it would have owned (a lookup, an open handle) is still ours to undo.
  bool ok();
  bool error(sluice::Errno error);
  /// Success or the error.
  bool result(const sluice::Result<void>& result) { return result ? ok() : error(result.error()); }
  bool entry(const fuse_entry_param& entry);
  /// `backing_id`: of the BackingFile that the data is passed through to; 0: it is not.
  bool created(const fuse_entry_param& entry, const fuse_file_info& file, std::int32_t backing_id = 0);
  bool attributes(const struct stat& attributes, double timeout_seconds);
  bool opened(const fuse_file_info& file, std::int32_t backing_id = 0);
  bool written(std::size_t bytes);
  bool bytes(std::span<const char> bytes);
  bool link_target(const char* target);
  bool statistics(const struct statvfs& statistics);
  bool xattr_size(std::size_t bytes);
  bool offset(off_t offset);
  /// For FORGET, which takes no answer.
  void none();

 private:
  [[nodiscard]] fuse_req_t take();

  fuse_req_t request_;
};

}  // namespace sluicefs
