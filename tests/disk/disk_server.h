#pragma once

#include <cstdint>
#include <memory>

#include "disk.h"
#include "sluice/result.h"
#include "sluice/unique_fd.h"

namespace sluice::testing {

/// Serves a Disk as the only file of a FUSE mount that is attached nowhere: no mount point is needed and
/// none can be left behind. The mount lives as long as somebody (the loop driver) has the file open.
///
/// One thread answers everything but flushes, a second one waits for flushes, so that a flush that is delayed
/// or held keeps the first one free. What queues behind a flush before it reaches us is the kernel's, see
/// README.md.
class DiskServer {
 public:
  /// Makes the mount and starts serving. `disk` must outlive the server.
  static Result<std::unique_ptr<DiskServer>> start(Disk& disk, std::uint64_t size_bytes);

  virtual ~DiskServer() = default;

  /// Opens the image through the mount. Call it once: the mount lives on in the descriptor that it returns.
  virtual Result<UniqueFd> open_image() = 0;
  /// Readable once the kernel has let go of the mount and the serving thread has returned.
  [[nodiscard]] virtual const UniqueFd& ended() const = 0;
};

}  // namespace sluice::testing
