#include "aio/aio_completion.h"

#include <cerrno>
#include <utility>

#include "os_sync.h"

namespace sluice {

void AioCompletion::settle(Result<std::size_t> result) {
  // Whoever is told may end the request's last owner, and waits for stop() before the context ends.
  context_->finish(*request_, result);
  if (callback_) callback_->request_done(*request_);
  if (completions_) completions_->put(std::move(request_));
}

void AioSyncCallback::sync_done(Result<void> result) noexcept {
  if (result) {
    // The sync may have been made through another open file of this inode, one that was opened after the
    // error of a write-back had been told to somebody, and so was not told of it. This one may know.
    if (const std::optional<Errno> error = take_unreported_error(descriptor_->get())) {
      engine_.writeback_failed(file_, *error);
      result = fail(*error);
    }
  }
  descriptor_.reset();
  completion_.settle(result ? Result<std::size_t>(0) : fail(result.error()));
}

void AioTransferCallback::transfer_done(Result<std::size_t> result) noexcept {
  if (!result) mutation_->fail(result.error());
  end(result);
}

void AioTransferCallback::transfer_cancelled() noexcept {
  end(fail(ECANCELED));
}

void AioTransferCallback::end(Result<std::size_t> result) {
  // Before the mutation ends, with which a sync that covers it may begin, and end: whoever sees the sync
  // done finds this done, and its buffer free (clause F2). Whoever queues a sync in between waits a moment
  // for the end.
  completion_.settle(result);
  mutation_.reset();
}

}  // namespace sluice
