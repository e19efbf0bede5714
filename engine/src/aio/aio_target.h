#pragma once

#include "aio/duplicate_set.h"
#include "sluice/ids.h"
#include "sluice/result.h"
#include "sluice/unique_fd.h"

namespace sluice {

/// The file that a request is about, as its descriptor stood when it was submitted.
struct AioTarget {
  SharedFd descriptor;  ///< A duplicate.
  FileKey file;
  bool appends = false;  ///< Open with O_APPEND.
};

/// EBADF: `fd` is not open, or with O_PATH only. EOPNOTSUPP: not a regular file, a directory or a block
/// device. EMFILE: no descriptor is free. Otherwise the error of statx(2).
Result<AioTarget> find_target(DuplicateSet& duplicates, int fd);

}  // namespace sluice
