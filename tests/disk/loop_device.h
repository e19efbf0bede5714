#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "sluice/result.h"
#include "sluice/unique_fd.h"

namespace sluice::testing {

enum class LoopIo : std::uint8_t { buffered, direct };

/// A loop device over a file. The kernel lets go of the file when the last user of the device has closed it,
/// so nothing is left behind when this process dies.
class LoopDevice {
 public:
  /// Takes a free device; others may do the same at the same time. `direct` fails with EINVAL where the file
  /// cannot do direct I/O.
  static Result<LoopDevice> attach(const UniqueFd& file, LoopIo io);

  /// "/dev/loopN".
  [[nodiscard]] const std::string& path() const { return path_; }
  /// Closes the device and waits until the kernel has let go of the file; EBUSY if that takes longer than
  /// `patience`, because somebody else has the device open or mounted.
  Result<void> detach(std::chrono::milliseconds patience);
  /// Closes the device without waiting.
  void close() { device_.reset(); }

 private:
  LoopDevice(UniqueFd device, std::string path) : device_(std::move(device)), path_(std::move(path)) {}

  UniqueFd device_;
  std::string path_;
};

}  // namespace sluice::testing
