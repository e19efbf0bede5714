#include "uring_backend.h"

#include <liburing.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "os_sync.h"
#include "os_transfer.h"
#include "sluice/check.h"

namespace sluice {
namespace {

/// Marks the poll request; nothing that is submitted has this token.
constexpr std::uint64_t kWakeTag = std::numeric_limits<std::uint64_t>::max();

constexpr int kMemoryRetryMs = 10;

/// A seccomp filter may forbid each system call of io_uring by itself; find out while there is a fallback.
int probe(io_uring& ring) {
  std::array<unsigned, 2> unchanged{0, 0};
  const int registered = io_uring_register_iowq_max_workers(&ring, unchanged.data());
  if (registered < 0) return -registered;

  io_uring_prep_nop(io_uring_get_sqe(&ring));
  const int submitted = io_uring_submit_and_wait(&ring, 1);
  if (submitted < 0) return -submitted;
  io_uring_cqe* completion = nullptr;
  const int waited = io_uring_wait_cqe(&ring, &completion);
  if (waited < 0) return -waited;
  io_uring_cqe_seen(&ring, completion);
  return 0;
}

}  // namespace

void UringBackend::CloseRing::operator()(io_uring* ring) const {
  io_uring_queue_exit(ring);
  delete ring;
}

Result<UringBackend::Ring> UringBackend::open_ring(unsigned max_in_flight) {
  auto memory = std::make_unique<io_uring>();
  const int error = -io_uring_queue_init(max_in_flight + 1, memory.get(), 0);
  if (error != 0) return fail(error);
  return Ring(memory.release());
}

Result<std::unique_ptr<UringBackend>> UringBackend::create(unsigned max_in_flight) {
  SLUICE_CHECK(max_in_flight > 0 && max_in_flight <= kMaxInFlight);
  Result<Ring> ring = open_ring(max_in_flight);
  if (!ring) return fail(ring.error());
  const int error = probe(**ring);
  if (error != 0) return fail(error);
  UniqueFd wake_fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake_fd.valid()) return fail_last();
  return std::unique_ptr<UringBackend>(new UringBackend(max_in_flight, std::move(*ring), std::move(wake_fd)));
}

UringBackend::UringBackend(unsigned max_in_flight, Ring ring, UniqueFd wake_fd)
    : max_in_flight_(max_in_flight), ring_(std::move(ring)), wake_fd_(std::move(wake_fd)) {}

UringBackend::~UringBackend() = default;

void UringBackend::submit_sync(IoToken token, int fd, SyncKind kind) {
  io_uring_sqe* request = next_request();
  io_uring_prep_fsync(request, fd, kind == SyncKind::data ? IORING_FSYNC_DATASYNC : 0U);
  io_uring_sqe_set_data64(request, token.number());
}

IoCompletion UringBackend::sync(int fd, SyncKind kind) {
  return completion_of({}, sync_file(fd, kind));
}

void UringBackend::submit_transfer(IoToken token, const Transfer& transfer) {
  // To io_uring a negative offset means the position of the open file.
  SLUICE_CHECK(transfer.offset >= 0);
  io_uring_sqe* request = next_request();
  const auto bytes = static_cast<unsigned>(std::min(transfer.bytes, kMaxTransferBytes));
  const auto offset = static_cast<std::uint64_t>(transfer.offset);
  if (transfer.kind == TransferKind::read) {
    io_uring_prep_read(request, transfer.fd, transfer.buffer, bytes, offset);
  } else {
    io_uring_prep_write(request, transfer.fd, transfer.buffer, bytes, offset);
  }
  // Not tried at once by the owner's thread: a page fault on the buffer, which may be a mapping of a file on
  // a slow disk, would hold up everything else.
  io_uring_sqe_set_flags(request, IOSQE_ASYNC);
  io_uring_sqe_set_data64(request, token.number());
}

void UringBackend::wait(std::vector<IoCompletion>& completions) {
  raise_worker_limit();
  watch_wake_fd();
  submit_and_wait();
  reap(completions);
}

void UringBackend::wake() {
  const std::uint64_t one = 1;
  // EAGAIN would mean that the counter is at its maximum, and so that the descriptor is readable already.
  static_cast<void>(!::write(wake_fd_.get(), &one, sizeof one));
}

Result<unsigned> UringBackend::worker_limit() const {
  std::array<unsigned, 2> limits{0, 0};  // Zeros ask only.
  const int error = -io_uring_register_iowq_max_workers(ring_.get(), limits.data());
  if (error != 0) return fail(error);
  return limits[0];
}

io_uring_sqe* UringBackend::next_request() {
  io_uring_sqe* request = io_uring_get_sqe(ring_.get());
  SLUICE_CHECK(request != nullptr);  // There is room for max_in_flight and the poll.
  return request;
}

// io-wq's workers belong to the task that submits. Registered from there, the limit holds whether the task
// has used another ring before (its pool is changed now) or not (the ring hands it on when it makes the pool:
// io_register_iowq_max_workers and __io_uring_add_tctx_node).
void UringBackend::raise_worker_limit() {
  if (std::exchange(worker_limit_raised_, true)) return;
  std::array<unsigned, 2> limits{max_in_flight_, 0};  // Zero leaves the unbounded workers as they are.
  // Was tried by probe(); and with fewer workers everything is slower but right.
  static_cast<void>(io_uring_register_iowq_max_workers(ring_.get(), limits.data()));
}

void UringBackend::watch_wake_fd() {
  if (std::exchange(wake_fd_watched_, true)) return;
  io_uring_sqe* request = next_request();
  // Not a read, which would need a buffer for as long as the kernel keeps the request.
  io_uring_prep_poll_add(request, wake_fd_.get(), POLLIN);
  io_uring_sqe_set_data64(request, kWakeTag);
}

void UringBackend::submit_and_wait() {
  for (;;) {
    const int result = io_uring_submit_and_wait(ring_.get(), 1);
    if (result >= 0) {
      // The kernel stops early at a request that it cannot prepare, and then does not wait.
      if (io_uring_sq_ready(ring_.get()) == 0) return;
      continue;
    }
    if (result == -EINTR) continue;
    // Requests that the kernel has no memory for stay in the ring; the next wait() offers them again.
    SLUICE_CHECK(result == -EAGAIN || result == -EBUSY || result == -ENOMEM);
    wait_for_memory();
    return;
  }
}

void UringBackend::wait_for_memory() {
  std::array<pollfd, 2> events{pollfd{.fd = ring_->ring_fd, .events = POLLIN, .revents = 0},
                               pollfd{.fd = wake_fd_.get(), .events = POLLIN, .revents = 0}};
  static_cast<void>(::poll(events.data(), events.size(), kMemoryRetryMs));
  // The poll request may be among those that were not taken.
  if ((events[1].revents & POLLIN) != 0) clear_wake_fd();
}

void UringBackend::reap(std::vector<IoCompletion>& completions) {
  unsigned head = 0;
  unsigned count = 0;
  io_uring_cqe* completion = nullptr;
  io_uring_for_each_cqe(ring_.get(), head, completion) {
    ++count;
    if (completion->user_data == kWakeTag) {
      wake_fd_watched_ = false;
      clear_wake_fd();
    } else {
      completions.push_back(completion_of_transfer(IoToken(completion->user_data), completion->res));
    }
  }
  io_uring_cq_advance(ring_.get(), count);
}

void UringBackend::clear_wake_fd() {
  std::uint64_t ignored = 0;
  static_cast<void>(!::read(wake_fd_.get(), &ignored, sizeof ignored));
}

}  // namespace sluice
