#pragma once

#include <gtest/gtest.h>
#include <liburing.h>

#include <cerrno>
#include <cstdint>
#include <map>

namespace sluice::testing {

/// A ring of the program's own. Its end waits for nothing.
class Ring {
 public:
  Ring() { EXPECT_EQ(::io_uring_queue_init(64, &ring_, 0), 0); }
  ~Ring() { ::io_uring_queue_exit(&ring_); }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  // What is prepared is known by `number` afterwards; `flags` are IOSQE_*.

  void prepare_sync(int fd, unsigned kind, std::uint64_t number, unsigned flags = 0) {
    io_uring_sqe* entry = ::io_uring_get_sqe(&ring_);
    ::io_uring_prep_fsync(entry, fd, kind);
    mark(entry, number, flags);
  }
  void prepare_write(int fd, const void* bytes, unsigned size, std::uint64_t number, unsigned flags = 0) {
    io_uring_sqe* entry = ::io_uring_get_sqe(&ring_);
    ::io_uring_prep_write(entry, fd, bytes, size, 0);
    mark(entry, number, flags);
  }
  /// How many were taken, or an error number below 0.
  int submit() { return ::io_uring_submit(&ring_); }

  /// Waits for `count` completions; the result of each by its number. Less than that when patience ran out.
  std::map<std::uint64_t, int> results(std::size_t count) {
    std::map<std::uint64_t, int> results;
    while (results.size() < count) {
      io_uring_cqe* completion = nullptr;
      __kernel_timespec patience{.tv_sec = 20, .tv_nsec = 0};
      const int error = ::io_uring_wait_cqe_timeout(&ring_, &completion, &patience);
      if (error == -EINTR) continue;
      if (error != 0) break;
      results[completion->user_data] = completion->res;
      ::io_uring_cqe_seen(&ring_, completion);
    }
    return results;
  }
  /// Whether a completion is there by now.
  [[nodiscard]] bool has_completions() const { return ::io_uring_cq_ready(&ring_) > 0; }

 private:
  static void mark(io_uring_sqe* entry, std::uint64_t number, unsigned flags) {
    ::io_uring_sqe_set_flags(entry, flags);
    entry->user_data = number;
  }

  io_uring ring_{};
};

}  // namespace sluice::testing
