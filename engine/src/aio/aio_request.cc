#include "sluice/aio_request.h"

#include "sluice/check.h"

namespace sluice {

AioOrder AioOrder::sync(int fd, SyncKind kind) {
  AioOrder order;
  order.fd = fd;
  order.operation = AioSync{kind};
  return order;
}

AioOrder AioOrder::read(int fd, std::span<std::byte> buffer, off_t offset) {
  AioOrder order;
  order.fd = fd;
  order.operation = AioRead{buffer, offset};
  return order;
}

AioOrder AioOrder::write(int fd, std::span<const std::byte> buffer, off_t offset) {
  AioOrder order;
  order.fd = fd;
  order.operation = AioWrite{buffer, offset};
  return order;
}

Result<std::size_t> AioRequest::result() const {
  SLUICE_CHECK(done());
  return result_;
}

Result<std::size_t> AioRequest::wait() const {
  while (!done()) done_.wait(0);
  return result_;
}

std::optional<Result<std::size_t>> AioRequest::wait_until(Deadline deadline) const {
  while (!done()) {
    if (done_.wait(0, deadline) == FutexWord::Wait::timed_out) break;
  }
  return done() ? std::optional(result_) : std::nullopt;
}

void AioRequest::finish(Result<std::size_t> result) {
  SLUICE_CHECK(!done());
  result_ = result;
  done_.advance_and_wake_all();
}

}  // namespace sluice
