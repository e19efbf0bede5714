#pragma once

#include <sys/types.h>

#include "sluice/result.h"
#include "sluice/unique_fd.h"

namespace sluice::testing {

/// Tells when another process dies, in time to help it do so. A process that was killed while a thread of it
/// waits for our disk cannot end before we answer, and its descriptor (pidfd_open(2)) says nothing until it
/// has; so this looks, a few times a second, whether the kernel has decided to end it. PR_SET_PDEATHSIG would
/// follow the thread that started us. Not thread-safe.
class ProcessWatch {
 public:
  /// ESRCH when there is no such process.
  static Result<ProcessWatch> start(pid_t pid);

  /// Readable whenever it is time to ask dying() again.
  [[nodiscard]] const UniqueFd& timer() const { return timer_; }
  /// True when the process is dead or about to be.
  bool dying();

 private:
  ProcessWatch(pid_t pid, UniqueFd process, UniqueFd timer)
      : pid_(pid), process_(std::move(process)), timer_(std::move(timer)) {}

  pid_t pid_;
  UniqueFd process_;
  UniqueFd timer_;
};

}  // namespace sluice::testing
