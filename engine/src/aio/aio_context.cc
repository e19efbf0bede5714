#include "sluice/aio_context.h"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "aio/aio_completion.h"
#include "aio/aio_target.h"
#include "aio/duplicate_set.h"
#include "aio/transfer_queue.h"
#include "sluice/check.h"
#include "sluice/futex_word.h"
#include "sluice/sync_engine.h"

namespace sluice {
namespace {

EngineOptions engine_options(const AioOptions& options) {
  EngineOptions engine;
  engine.max_requests = options.max_requests;
  // The program may write by any means; and a file may be of a server that does not answer, which shall hold
  // up its own syncs alone (clause E5).
  engine.opaque = true;
  return engine;
}

/// The bytes of a read or write, and where they go; without its descriptor.
std::optional<Transfer> transfer_of(const AioOrder& order) {
  if (const auto* read = std::get_if<AioRead>(&order.operation)) {
    return Transfer{.kind = TransferKind::read,
                    .fd = -1,
                    .buffer = read->buffer.data(),
                    .bytes = read->buffer.size(),
                    .offset = read->offset};
  }
  if (const auto* write = std::get_if<AioWrite>(&order.operation)) {
    return Transfer{.kind = TransferKind::write,
                    .fd = -1,
                    .buffer = const_cast<std::byte*>(write->buffer.data()),
                    .bytes = write->buffer.size(),
                    .offset = write->offset};
  }
  return std::nullopt;
}

}  // namespace

Result<std::unique_ptr<AioContext>> AioContext::create(const AioOptions& options) {
  if (options.max_requests == 0) return fail(EINVAL);
  Result<std::unique_ptr<IoBackend>> syncs = make_backend(options.backend, options.max_syncs);
  Result<std::unique_ptr<IoBackend>> transfers = make_backend(options.backend, options.max_transfers);
  for (const auto* made : {&syncs, &transfers}) {
    if (*made) continue;
    const bool no_ring = options.backend == BackendChoice::io_uring && made->error() != Errno(EINVAL);
    return fail(no_ring ? Errno(ENOSYS) : made->error());
  }
  try {
    return std::make_unique<AioContext>(options, std::move(*syncs), std::move(*transfers));
  } catch (const std::system_error& error) {
    return fail(error.code().value());
  }
}

AioContext::AioContext(const AioOptions& options, std::unique_ptr<IoBackend> syncs,
                       std::unique_ptr<IoBackend> transfers)
    : max_requests_(options.max_requests),
      descriptors_(std::make_unique<DuplicateSet>()),
      finished_(std::make_unique<FutexWord>()),
      engine_(std::make_unique<SyncEngine>(engine_options(options), std::move(syncs))),
      transfers_(std::make_unique<TransferQueue>(std::move(transfers))) {}

AioContext::~AioContext() {
  stop();
}

// ---- Requests ----

Result<std::shared_ptr<AioRequest>> AioContext::submit(AioOrder&& order) noexcept {
  std::optional<Transfer> transfer = transfer_of(order);
  if (transfer && transfer->offset < 0) return fail(EINVAL);
  Result<AioTarget> target = find_target(*descriptors_, order.fd);
  if (!target) return fail(target.error());
  if (order.completions && !order.completions->reserve()) return fail(EAGAIN);
  if (const Result<void> place = take_place(); !place) {
    if (order.completions) order.completions->give_back();
    return fail(place.error());
  }

  // From here on nothing can fail: the engine and the queue have room for as many, and do not stop before the
  // place is given back.
  auto request = std::make_shared<AioRequest>(order.tag);
  AioCompletion completion(*this, request, std::move(order.callback), std::move(order.completions));
  if (transfer) {
    transfer->fd = target->descriptor->get();
    enqueue_transfer(*transfer, order.priority, std::move(*target), std::move(completion), *request);
  } else {
    const SyncKind kind = std::get<AioSync>(order.operation).kind;
    enqueue_sync(kind, order.priority, std::move(*target), std::move(completion), *request);
  }
  return request;
}

AioBatch AioContext::submit_batch(std::span<AioOrder> orders, Requests& requests) noexcept {
  AioBatch batch;
  for (AioOrder& order : orders) {
    Result<std::shared_ptr<AioRequest>> request = submit(std::move(order));
    if (!request) {
      batch.error = request.error();
      break;
    }
    requests.push_back(std::move(*request));
    ++batch.queued;
  }
  return batch;
}

Result<void> AioContext::submit_detached(AioOrder&& order) noexcept {
  const Result<std::shared_ptr<AioRequest>> request = submit(std::move(order));
  if (!request) return fail(request.error());
  return {};
}

void AioContext::enqueue_sync(SyncKind kind, Priority priority, AioTarget&& target,
                              AioCompletion&& completion, AioRequest& request) {
  auto callback = std::make_unique<AioSyncCallback>(std::move(completion), *engine_, target);
  Result<std::shared_ptr<SyncRequest>> sync =
      engine_->submit(SyncOrder{.file = target.file,
                                .kind = kind,
                                .acknowledge = Acknowledge::when_durable,
                                .priority = priority,
                                .when_full = WhenFull::refuse,
                                .descriptor = std::move(target.descriptor),
                                .callback = std::move(callback)});
  SLUICE_CHECK(sync.has_value());
  request.sync_ = std::move(*sync);
}

/// A read counts like a write, for a sync ends after both (clause F2).
void AioContext::enqueue_transfer(const Transfer& transfer, Priority priority, AioTarget&& target,
                                  AioCompletion&& completion, AioRequest& request) {
  OngoingMutation mutation = engine_->begin(Mutation(target.file, MutationClass::data));
  const bool in_turn = target.appends && transfer.kind == TransferKind::write;
  auto callback = std::make_unique<AioTransferCallback>(std::move(completion), std::move(mutation));
  const Result<TransferId> id = transfers_->submit(TransferOrder{.transfer = transfer,
                                                                 .descriptor = std::move(target.descriptor),
                                                                 .file = target.file,
                                                                 .priority = priority,
                                                                 .in_turn = in_turn,
                                                                 .callback = std::move(callback)});
  SLUICE_CHECK(id.has_value());
  request.transfer_ = static_cast<std::uint64_t>(*id);
}

Result<void> AioContext::accept_loss(int fd) noexcept {
  const Result<AioTarget> target = find_target(*descriptors_, fd);
  if (!target) return fail(target.error());
  // As after a truncation to nothing, what was before is nobody's concern any more.
  OngoingMutation acceptance = engine_->begin(Mutation(target->file, MutationClass::data));
  acceptance.emptied();
  return {};
}

CancelOutcome AioContext::cancel(AioRequest& request) noexcept {
  if (request.done()) return CancelOutcome::all_done;
  if (request.sync_) return engine_->cancel(*request.sync_);
  return transfers_->cancel(TransferId(request.transfer_));
}

void AioContext::finish(AioRequest& request, Result<std::size_t> result) {
  // The place first: whoever is told may submit.
  {
    const MutexLock lock(mutex_);
    if (--outstanding_ == 0) all_finished_.notify_all();
  }
  request.finish(result);
  finished_->advance_and_wake_all();
}

Result<void> AioContext::take_place() {
  const MutexLock lock(mutex_);
  if (stopping_) return fail(ESHUTDOWN);
  if (outstanding_ == max_requests_) return fail(EAGAIN);
  ++outstanding_;
  return {};
}

// ---- Waiting ----

std::optional<std::size_t> AioContext::wait_any(std::span<const std::shared_ptr<AioRequest>> requests,
                                                Deadline deadline) const {
  const auto find_done = [&] {
    return std::find_if(requests.begin(), requests.end(),
                        [](const auto& request) { return request && request->done(); });
  };
  for (;;) {
    const std::uint32_t seen = finished_->value();
    const auto found = find_done();
    if (found != requests.end()) return static_cast<std::size_t>(found - requests.begin());
    if (finished_->wait(seen, deadline) == FutexWord::Wait::timed_out) return std::nullopt;
  }
}

bool AioContext::wait_all(std::span<const std::shared_ptr<AioRequest>> requests, Deadline deadline) {
  return std::all_of(requests.begin(), requests.end(), [&](const auto& request) {
    return !request || request->wait_until(deadline).has_value();
  });
}

// ---- Life ----

void AioContext::stop() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    while (outstanding_ > 0) all_finished_.wait(mutex_);
  }
  // Those who are being told by now are waited for here.
  transfers_->stop();
  engine_->stop();
}

std::string_view AioContext::backend_name() const {
  return engine_->backend().name();
}

void AioContext::before_fork() noexcept {
  descriptors_->before_fork();
}

void AioContext::after_fork_in_parent() noexcept {
  descriptors_->after_fork_in_parent();
}

void AioContext::after_fork_in_child() noexcept {
  descriptors_->after_fork_in_child();
}

}  // namespace sluice
