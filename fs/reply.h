#pragma once

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <cstddef>
#include <span>
#include <utility>

#include "fuse_api.h"
#include "sluice/result.h"

namespace sluicefs {

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
  bool ok() { return error(0); }
  bool error(sluice::Errno error) { return this->error(error.value()); }
  /// Success or the error.
  bool result(const sluice::Result<void>& result) { return result ? ok() : error(result.error()); }
  bool entry(const fuse_entry_param& entry);
  bool created(const fuse_entry_param& entry, const fuse_file_info& file);
  bool attributes(const struct stat& attributes, double timeout_seconds);
  bool opened(const fuse_file_info& file);
  bool written(std::size_t bytes);
  bool bytes(std::span<const char> bytes);
  bool link_target(const char* target);
  bool statistics(const struct statvfs& statistics);
  bool xattr_size(std::size_t bytes);
  bool offset(off_t offset);
  /// For FORGET, which takes no answer.
  void none();

 private:
  bool error(int error);
  [[nodiscard]] fuse_req_t take();

  fuse_req_t request_;
};

}  // namespace sluicefs
