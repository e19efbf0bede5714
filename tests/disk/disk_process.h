#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "sluice/result.h"
#include "sluice/unique_fd.h"

namespace sluice::testing {

/// A running sluicefs-testdisk. It is no child of this process, so that whoever kills this process with all
/// of its children (ctest does, after a timeout) leaves the disk alive to take itself away. Not thread-safe.
class DiskProcess {
 public:
  /// Starts one with `arguments` and waits until the disk can be used. ETIMEDOUT when that takes a minute;
  /// ECHILD when it ends instead, having said why on stderr.
  static Result<DiskProcess> start(const std::vector<std::string>& arguments);

  DiskProcess(DiskProcess&&) = default;
  DiskProcess& operator=(DiskProcess&&) = delete;
  DiskProcess(const DiskProcess&) = delete;
  DiskProcess& operator=(const DiskProcess&) = delete;
  /// As end().
  ~DiskProcess() { end(); }

  /// "/dev/loopN".
  [[nodiscard]] const std::string& device() const { return device_; }
  [[nodiscard]] pid_t pid() const { return pid_; }
  /// Asks it to end, which releases held flushes and takes its mounts away, and kills it when it does not.
  void end();

 private:
  DiskProcess(std::string device, pid_t pid, UniqueFd process)
      : device_(std::move(device)), pid_(pid), process_(std::move(process)) {}

  std::string device_;
  pid_t pid_;
  UniqueFd process_;
};

}  // namespace sluice::testing
