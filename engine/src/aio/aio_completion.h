#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "aio/aio_target.h"
#include "aio/transfer_queue.h"
#include "sluice/aio_context.h"
#include "sluice/mutation.h"
#include "sluice/sync_engine.h"

namespace sluice {

/// What is owed when a request has ended: its status, a callback, a place in a queue. Move-only; settled
/// exactly once.
class AioCompletion {
 public:
  AioCompletion(AioContext& context, std::shared_ptr<AioRequest> request,
                std::unique_ptr<AioCallback> callback, std::shared_ptr<CompletionQueue> completions)
      : context_(&context),
        request_(std::move(request)),
        callback_(std::move(callback)),
        completions_(std::move(completions)) {}

  void settle(Result<std::size_t> result);

 private:
  AioContext* context_;
  std::shared_ptr<AioRequest> request_;
  std::unique_ptr<AioCallback> callback_;
  std::shared_ptr<CompletionQueue> completions_;
};

/// Ends a sync.
class AioSyncCallback final : public SyncCallback {
 public:
  AioSyncCallback(AioCompletion&& completion, SyncEngine& engine, const AioTarget& target)
      : completion_(std::move(completion)),
        engine_(engine),
        descriptor_(target.descriptor),
        file_(target.file) {}
  void sync_done(Result<void> result) noexcept override;

 private:
  AioCompletion completion_;
  SyncEngine& engine_;
  SharedFd descriptor_;
  const FileKey file_;
};

/// Ends a read or a write, which for the engine is a mutation.
class AioTransferCallback final : public TransferCallback {
 public:
  AioTransferCallback(AioCompletion&& completion, OngoingMutation&& mutation)
      : completion_(std::move(completion)), mutation_(std::move(mutation)) {}
  void transfer_done(Result<std::size_t> result) noexcept override;
  void transfer_cancelled() noexcept override;

 private:
  void end(Result<std::size_t> result);

  AioCompletion completion_;
  std::optional<OngoingMutation> mutation_;
};

}  // namespace sluice
