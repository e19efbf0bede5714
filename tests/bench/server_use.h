#pragma once

#include <sys/types.h>

#include <cstdint>

namespace sluice::bench {

/// What the process that serves a mount has and has used.
struct ServerUse {
  /// Of its own address space, in memory now.
  double memory_bytes = 0;
  double descriptors = 0;
  /// Processor time since it started, of user and system, in steps of 10 ms.
  double cpu_seconds = 0;
};

/// All zero for pid 0, which stands for none. Throws std::runtime_error when it cannot be read.
[[nodiscard]] ServerUse use_of(pid_t server);

}  // namespace sluice::bench
