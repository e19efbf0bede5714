#include "aio/posix_aio.h"

#include <aio.h>
#include <fcntl.h>
#include <sys/resource.h>

#include <utility>

#include "aio/aio_environment.h"
#include "aio/posix_list.h"
#include "aio/posix_notify.h"
#include "aio/process_aio.h"
#include "aio/reqprio.h"

namespace sluice {
namespace {

/// aio_fsync(3) asks for write access, unlike fsync(2) (clause L6).
bool is_open_for_writing(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  return flags >= 0 && (flags & O_PATH) == 0 && (flags & O_ACCMODE) != O_RDONLY;
}

/// The status that a read or write gets when it cannot be queued for a reason of its own. The C library finds
/// that out later and so does every program expect it (clause B6); none when it was for want of room.
std::optional<Errno> own_error(Errno refusal) {
  switch (refusal.value()) {
    case EBADF:
    case EINVAL:
      return refusal;
    case EOPNOTSUPP:
      return Errno(ESPIPE);  // What pread(2) says of pipes, sockets and terminals.
    default:
      return std::nullopt;
  }
}

/// Why a request cannot be queued, in the words of aio_fsync(3) (clauses L5, L7).
Errno refusal_of(Errno error) {
  switch (error.value()) {
    case EOPNOTSUPP:
      return Errno(EINVAL);
    case EMFILE:  // No descriptor is left to duplicate it to.
    case ENFILE:
    case ENOMEM:
      return Errno(EAGAIN);
    default:
      return error;
  }
}

}  // namespace

class PosixAio::Callback final : public AioCallback {
 public:
  Callback(PosixAio& aio, const PosixBlock& block, std::shared_ptr<PosixList> list)
      : aio_(aio), block_(block), list_(std::move(list)) {}
  void request_done(AioRequest& request) noexcept override {
    aio_.finish(block_, request.result(), list_.get());
  }

 private:
  PosixAio& aio_;
  const PosixBlock block_;
  const std::shared_ptr<PosixList> list_;
};

PosixAio::PosixAio(Collect collect) : collect_(collect), use_priority_(aio_environment().use_priority) {}

// ---- Queueing ----

Result<void> PosixAio::fsync(int op, const PosixBlock& block) {
  if (op != O_SYNC && op != O_DSYNC) return fail(EINVAL);
  // Read only when it has been asked for (clauses L3, B2).
  if (use_priority_ && !is_valid_reqprio(block.reqprio)) return fail(EINVAL);
  if (!is_open_for_writing(block.fd)) return fail(EBADF);
  AioOrder order = AioOrder::sync(block.fd, op == O_SYNC ? SyncKind::full : SyncKind::data);
  return queue(std::move(order), block, nullptr);
}

Result<void> PosixAio::read(const PosixBlock& block) {
  return transfer(block, false, nullptr);
}

Result<void> PosixAio::write(const PosixBlock& block) {
  return transfer(block, true, nullptr);
}

Result<void> PosixAio::transfer(const PosixBlock& block, bool is_write,
                                const std::shared_ptr<PosixList>& list) {
  if (!is_valid_reqprio(block.reqprio)) return fail(EINVAL);
  // Before there is a context: its own descriptors could be the next to get this number.
  if (::fcntl(block.fd, F_GETFD) < 0) return fail_later(block, Errno::last(), list);
  auto* bytes = const_cast<std::byte*>(static_cast<volatile std::byte*>(block.buffer));
  AioOrder order = is_write ? AioOrder::write(block.fd, {bytes, block.bytes}, block.offset)
                            : AioOrder::read(block.fd, {bytes, block.bytes}, block.offset);
  return queue(std::move(order), block, list);
}

Result<void> PosixAio::queue(AioOrder order, const PosixBlock& block, std::shared_ptr<PosixList> list) {
  if (!is_valid_notification(block.notification)) return fail(EINVAL);
  const Result<AioContext*> context = process_aio();
  if (!context) return fail(context.error());
  const Result<std::uint64_t> number = enter(block);
  if (!number) return fail(number.error());

  const bool is_sync = std::holds_alternative<AioSync>(order.operation);
  order.priority = priority_of(block);
  order.callback = std::make_unique<Callback>(*this, block, list);
  if (list) list->one_more();
  const Result<std::shared_ptr<AioRequest>> request = (*context)->submit(std::move(order));
  if (!request) {
    const std::optional<Errno> own = is_sync ? std::nullopt : own_error(request.error());
    if (own) {
      finish(block, fail(*own), list.get());
      return {};
    }
    const Errno refusal = refusal_of(request.error());
    leave(block, refusal);
    if (list) list->one_done(true);
    return fail(refusal);
  }
  const MutexLock lock(mutex_);
  const auto entry = in_flight_.find(block.address);
  if (entry != in_flight_.end() && entry->second.number == *number) entry->second.request = *request;
  return {};
}

/// Queues what can only fail. The C library has a thread find that out, and says so by the request's status.
Result<void> PosixAio::fail_later(const PosixBlock& block, Errno error,
                                  const std::shared_ptr<PosixList>& list) {
  if (!is_valid_notification(block.notification)) return fail(EINVAL);
  if (const Result<std::uint64_t> number = enter(block); !number) return fail(number.error());
  if (list) list->one_more();
  finish(block, fail(error), list.get());
  return {};
}

Result<std::uint64_t> PosixAio::enter(const PosixBlock& block) {
  const std::size_t max = process_aio_options().max_requests;
  const MutexLock lock(mutex_);
  if (in_flight_.contains(block.address)) return fail(EBUSY);
  const bool is_again = finished_at_.contains(block.address);
  if (in_flight_.size() + finished_.size() - (is_again ? 1 : 0) >= max) return fail(EAGAIN);
  forget_finished(block.address);
  inherited_.erase(block.address);
  const std::uint64_t number = ++last_number_;
  in_flight_.emplace(block.address, InFlight{block, number, nullptr});
  set_status(block, EINPROGRESS, 0);
  return number;
}

/// It was not queued after all: its caller has the error, and so has whoever asks the block.
void PosixAio::leave(const PosixBlock& block, Errno error) {
  {
    const MutexLock lock(mutex_);
    set_status(block, error.value(), -1);
    in_flight_.erase(block.address);
  }
  // Another thread may have seen it in progress, and wait for it.
  finished_any_.advance_and_wake_all();
}

Priority PosixAio::priority_of(const PosixBlock& block) const {
  if (!use_priority_) return {};
  return Priority(-::getpriority(PRIO_PROCESS, 0) - block.reqprio);
}

Result<void> PosixAio::list(int mode, std::span<const std::optional<PosixBlock>> blocks,
                            const sigevent* notification) {
  if (mode != LIO_WAIT && mode != LIO_NOWAIT) return fail(EINVAL);
  sigevent event{};
  event.sigev_notify = SIGEV_NONE;
  if (mode == LIO_NOWAIT && notification != nullptr) event = *notification;
  if (!is_valid_notification(event)) return fail(EINVAL);

  const auto list = std::make_shared<PosixList>(event);
  std::optional<Errno> refusal;
  for (const std::optional<PosixBlock>& block : blocks) {
    if (!block || block->opcode == LIO_NOP) continue;
    const bool is_known = block->opcode == LIO_READ || block->opcode == LIO_WRITE;
    const Result<void> queued = is_known ? transfer(*block, block->opcode == LIO_WRITE, list)
                                         : fail_later(*block, Errno(EINVAL), list);
    if (queued) continue;
    // A block that is busy has the status of the request that it is busy with.
    if (queued.error() != Errno(EBUSY)) set_status(*block, queued.error().value(), -1);
    if (!refusal || queued.error() != Errno(EAGAIN)) refusal = queued.error();
  }
  list->one_done(refusal.has_value());
  if (mode == LIO_WAIT) {
    const Result<void> all = list->wait();
    if (!all && all.error() == Errno(EINTR)) return all;
    if (!refusal) return all;
  }
  if (refusal) return fail(*refusal == Errno(EAGAIN) ? EAGAIN : EIO);
  return {};
}

}  // namespace sluice
