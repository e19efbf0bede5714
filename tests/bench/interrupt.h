#pragma once

#include <stdexcept>

#include "sluice/unique_fd.h"

namespace sluice::bench {

class Interrupted : public std::runtime_error {
 public:
  Interrupted() : std::runtime_error("interrupted") {}
};

/// SIGINT, SIGTERM and SIGHUP as something to wait for, so that whoever is told to end takes its mounts and
/// processes away. Blocks them in the calling thread and those it starts; children must unblock them.
class Interrupt {
 public:
  Interrupt();
  /// Throws Interrupted when one of them has come.
  void check() const;
  /// Readable when one of them has come.
  [[nodiscard]] const UniqueFd& signals() const { return signals_; }

 private:
  UniqueFd signals_;
};

}  // namespace sluice::bench
