#pragma once

#include <array>
#include <ostream>

#include "sluice/ids.h"

namespace sluice::testing {

/// A way in which a program asks for a sync of an open file, and waits for it; 0 or the error number.
struct Way {
  const char* name;
  SyncKind kind;
  int (*sync)(int fd);
};
inline std::ostream& operator<<(std::ostream& out, const Way& way) {
  return out << way.name;
}

/// fsync(2), glibc's AIO, libaio and io_uring, each for both kinds.
extern const std::array<Way, 8> kWays;

}  // namespace sluice::testing
