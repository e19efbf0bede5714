#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>

#include "fault_operations.h"
#include "mount_fixture.h"

/// What a mount must be like after an operation that met a fault.
namespace sluice::testing::faults {

/// Looks at a mount from all sides. What it finds is told as text, so that the tests of the audit itself can
/// expect it.
class FaultAudit {
 public:
  /// `patience`: for the daemon to let go of what the kernel has no use for.
  FaultAudit(const MountFixture& mount, std::chrono::milliseconds patience)
      : mount_(mount), patience_(patience) {}

  /// Takes how things are now for how they are to be. REQUIRES: the mount has served before and is quiet.
  void remember();
  /// Uses what an operation has left, removes it, and looks what is left of it in the daemon. Empty, or what
  /// is wrong.
  [[nodiscard]] std::string findings(const Place& place) const;

 private:
  [[nodiscard]] std::string what_does_not_work(const Place& place) const;
  [[nodiscard]] std::string what_is_left() const;

  const MountFixture& mount_;
  const std::chrono::milliseconds patience_;
  std::size_t descriptors_ = 0;
};

}  // namespace sluice::testing::faults
