#pragma once

#include <sys/types.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>

namespace sluice {

/// A control block of the POSIX shape, whichever struct it is in: what a call reads of it, and where its
/// status is. The status is kept in the block, as the C library does, so that asking for it needs no lock.
struct PosixBlock {
  void* address;
  int fd;
  volatile void* buffer;
  std::size_t bytes;
  off_t offset;
  int opcode;
  int reqprio;
  sigevent notification;
  /// EINPROGRESS from queueing until the end. Written after `result`.
  int* error;
  ssize_t* result;
};

inline int status_of(const int* error) {
  return std::atomic_ref<int>(*const_cast<int*>(error)).load(std::memory_order_acquire);
}

inline void set_status(const PosixBlock& block, int error, ssize_t result) {
  *block.result = result;
  std::atomic_ref<int>(*block.error).store(error, std::memory_order_release);
}

}  // namespace sluice
