#pragma once

#include "process/exit_code.h"
#include "sluice/unique_fd.h"

namespace sluicefs {

/// Goes to the background, keeping the caller waiting until the mount can be used. REQUIRES: no thread was
/// started.
class Daemonize {
 public:
  /// Forks. In the parent this does not return: it ends with success when the child calls ready(), and
  /// otherwise with the exit code of the child, whose standard error is still the user's until then.
  static Daemonize fork_and_wait();

  /// The mount can be used: lets the parent go, closes the standard streams and leaves the session; until
  /// then a Ctrl-C at the terminal means the child as well.
  void ready();

 private:
  explicit Daemonize(sluice::UniqueFd to_parent) : to_parent_(std::move(to_parent)) {}
  sluice::UniqueFd to_parent_;
};

}  // namespace sluicefs
