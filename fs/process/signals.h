#pragma once

#include <optional>

#include "sluice/result.h"
#include "sluice/unique_fd.h"

namespace sluicefs {

/// The signals that mean something to the daemon, as a descriptor to poll.
class Signals {
 public:
  /// Blocks every signal but those of faults and SIGQUIT, in this thread and those that it starts, so that
  /// none interrupts or ends a reader. Those that ask to stop (SIGTERM, SIGINT, SIGHUP) and SIGUSR1 are
  /// received from then on; SIGINT and SIGHUP stay ignored where the starter had them ignored, as nohup(1)
  /// does. REQUIRES: this is the only thread.
  static sluice::Result<Signals> block();

  [[nodiscard]] int fd() const { return fd_.get(); }
  /// The next one that has come; does not wait.
  [[nodiscard]] std::optional<int> next() const;

 private:
  explicit Signals(sluice::UniqueFd fd) : fd_(std::move(fd)) {}
  sluice::UniqueFd fd_;
};

}  // namespace sluicefs
