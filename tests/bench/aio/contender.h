#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace sluice::bench {

/// One way to have fdatasync(2) done for a program that does not wait for it. A slot is one request that may
/// be outstanding; used by one thread.
class Contender {
 public:
  virtual ~Contender() = default;
  /// Queues a sync of `fd`. REQUIRES: the slot is free.
  virtual void submit(std::size_t slot, int fd) = 0;
  /// Waits until something is done and appends the slots, which are free again. Ends the process when a sync
  /// has failed.
  virtual void wait(std::vector<std::size_t>& slots) = 0;
};

/// The engine's native API.
std::unique_ptr<Contender> make_sluice(std::size_t slots);
/// aio_fsync(3) of the C library.
std::unique_ptr<Contender> make_glibc(std::size_t slots);
/// As many threads as slots, each in fdatasync(2).
std::unique_ptr<Contender> make_thread_pool(std::size_t slots);

}  // namespace sluice::bench
