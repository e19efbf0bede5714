#pragma once

#include <gtest/gtest.h>
#include <libaio.h>

#include <cerrno>
#include <ctime>
#include <optional>

#include "mount_block.h"

namespace sluice::testing {

/// Prepared blocks.
inline iocb sync_block(int fd) {
  iocb block;
  ::io_prep_fsync(&block, fd);
  return block;
}
inline iocb data_sync_block(int fd) {
  iocb block;
  ::io_prep_fdsync(&block, fd);
  return block;
}
inline iocb write_block(int fd, const Block& content, long long offset = 0) {
  iocb block;
  ::io_prep_pwrite(&block, fd, content.get(), kBlock, offset);
  return block;
}

/// A context of the kernel's own asynchronous I/O. Its end waits for what was submitted (io_destroy(2)).
class LibaioContext {
 public:
  explicit LibaioContext(int requests = 64) { EXPECT_EQ(::io_setup(requests, &context_), 0); }
  ~LibaioContext() { ::io_destroy(context_); }
  LibaioContext(const LibaioContext&) = delete;
  LibaioContext& operator=(const LibaioContext&) = delete;

  [[nodiscard]] io_context_t get() const { return context_; }
  /// What io_submit(3) says of one block: 1, or an error number below 0.
  [[nodiscard]] int submit(iocb& block) const {
    iocb* blocks = &block;
    return ::io_submit(context_, 1, &blocks);
  }
  /// As io_getevents(2) for `min` to `max` events.
  int get_events(long min, long max, io_event* events, timespec timeout) const {
    int got = 0;
    // The end of a ring of this thread interrupts it as a signal does.
    do got = ::io_getevents(context_, min, max, events, &timeout);
    while (got == -EINTR);
    return got;
  }
  /// The next block to have ended, when one does within `seconds`.
  [[nodiscard]] std::optional<io_event> next(int seconds = 20) const {
    io_event event{};
    return get_events(1, 1, &event, {.tv_sec = seconds, .tv_nsec = 0}) == 1 ? std::optional(event)
                                                                            : std::nullopt;
  }
  /// The result of the next one: what it moved, or an error number below 0. ETIME when none has come.
  [[nodiscard]] long result() const {
    const std::optional<io_event> event = next();
    return event ? static_cast<long>(event->res) : -ETIME;
  }

 private:
  io_context_t context_ = nullptr;
};

}  // namespace sluice::testing
