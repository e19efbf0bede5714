#include <fcntl.h>

#include <algorithm>

#include "aio/posix_entry.h"
#include "aio/process_aio.h"
#include "aio/process_wide.h"
#include "sluice/aio_posix.h"

// The entry points of sluice/aio_posix.h.

namespace sluice {

template <>
struct PosixLayout<sluice_aiocb> {
  static int* error(sluice_aiocb& block) { return &block.sluice_error; }
  static const int* error(const sluice_aiocb& block) { return &block.sluice_error; }
  static ssize_t* result(sluice_aiocb& block) { return &block.sluice_result; }
};

namespace {

PosixAio& aio() {
  return process_wide<PosixAio, PosixAio::Collect::once>();
}

[[gnu::constructor]] void make_aio() {
  aio();
}

/// Says what the request has returned; its block says EINVAL from now on.
ssize_t hand_out(sluice_aiocb& block, int error, ssize_t result) {
  std::atomic_ref<int>(block.sluice_error).store(EINVAL, std::memory_order_release);
  if (error != 0) errno = error;
  return error == 0 ? result : -1;
}

Result<BackendChoice> backend_of(sluice_aio_backend backend) {
  switch (backend) {
    case SLUICE_AIO_AUTO:
      return BackendChoice::automatic;
    case SLUICE_AIO_IO_URING:
      return BackendChoice::io_uring;
    case SLUICE_AIO_THREADS:
      return BackendChoice::threads;
  }
  return fail(EINVAL);
}

Result<AioOptions> options_of(const sluice_aio_options& from) {
  AioOptions options;
  const Result<BackendChoice> backend = backend_of(from.backend);
  if (!backend) return fail(backend.error());
  options.backend = *backend;
  if (from.max_requests != 0) options.max_requests = from.max_requests;
  if (from.max_syncs != 0) options.max_syncs = from.max_syncs;
  if (from.max_transfers != 0) options.max_transfers = from.max_transfers;
  if (std::max(options.max_syncs, options.max_transfers) > kMaxInFlight) return fail(EINVAL);
  return options;
}

}  // namespace
}  // namespace sluice

using namespace sluice;

int sluice_aio_init(const sluice_aio_options* options) {
  if (options == nullptr) return to_errno(Errno(EINVAL));
  if (!is_readable(options, sizeof *options)) return to_errno(Errno(EFAULT));
  const Result<AioOptions> made = options_of(*options);
  if (!made) return to_errno(made.error());
  const Result<void> set = set_process_aio_options(*made);
  if (set) aio().use_priority(options->use_priority != 0);
  return to_errno(set);
}

int sluice_aio_fsync(int op, sluice_aiocb* block) {
  return sluice::fsync(aio(), op, block);
}

int sluice_aio_read(sluice_aiocb* block) {
  return sluice::read(aio(), block);
}

int sluice_aio_write(sluice_aiocb* block) {
  return sluice::write(aio(), block);
}

int sluice_aio_error(const sluice_aiocb* block) {
  return block == nullptr ? EINVAL : status_of(&block->sluice_error);
}

ssize_t sluice_aio_return(sluice_aiocb* block) {
  if (block == nullptr) return to_errno(Errno(EINVAL));
  const int error = status_of(&block->sluice_error);
  if (error == EINPROGRESS || !aio().collect(block)) return to_errno(Errno(EINVAL));
  return hand_out(*block, error, block->sluice_result);
}

int sluice_aio_suspend(const sluice_aiocb* const blocks[], int count, const timespec* timeout) {
  return suspend(aio(), blocks, count, timeout);
}

int sluice_aio_cancel(int fd, sluice_aiocb* block) {
  return cancel(aio(), fd, block);
}

ssize_t sluice_aio_waitcomplete(sluice_aiocb** block, const timespec* timeout) {
  if (block == nullptr) return to_errno(Errno(EINVAL));
  *block = nullptr;
  const Result<FutexWord::Deadline> deadline = deadline_after(timeout);
  if (!deadline) return to_errno(deadline.error());
  const Result<PosixAio::Finished> finished = aio().wait_next(*deadline);
  if (!finished) return to_errno(finished.error());
  *block = static_cast<sluice_aiocb*>(finished->address);
  return hand_out(**block, finished->error, finished->result);
}

int sluice_aio_accept_loss(int fd) {
  const Result<AioContext*> context = process_aio();
  if (!context) return to_errno(context.error());
  const Result<void> accepted = (*context)->accept_loss(fd);
  return !accepted && accepted.error() == Errno(EOPNOTSUPP) ? to_errno(Errno(EINVAL)) : to_errno(accepted);
}

int sluice_lio_listio(int mode, sluice_aiocb* const blocks[], int count, sigevent* notification) {
  return list(aio(), mode, blocks, count, notification);
}
