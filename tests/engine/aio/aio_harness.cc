#include "aio_harness.h"

#include <chrono>
#include <utility>

#include "sluice/check.h"

namespace sluice::testing {
namespace {

SyncAnswer answer(int error) {
  return error == 0 ? SyncAnswer::success() : SyncAnswer::failure(error);
}

}  // namespace

int error_of(const Result<std::size_t>& result) {
  return result ? 0 : result.error().value();
}

int outcome_of(const AioRequest& request) {
  const auto result = request.wait_until(std::chrono::steady_clock::now() + FakeBackend::kPatience);
  return result ? error_of(*result) : ETIMEDOUT;
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

FakeAio::FakeAio(std::size_t files, AioOptions options) : files_(files), buffer_(16) {
  auto syncs = std::make_unique<FakeBackend>(options.max_syncs);
  auto transfers = std::make_unique<FakeBackend>(options.max_transfers);
  syncs_ = syncs.get();
  transfers_ = transfers.get();
  context_ = std::make_unique<AioContext>(options, std::move(syncs), std::move(transfers));
}

/// Answers what comes before it ends what is held, so that nothing is left in between.
FakeAio::~FakeAio() {
  transfers_->answer_transfers_by(
      [](const SubmittedTransfer& transfer) { return TransferAnswer::success(transfer.transfer.bytes); });
  syncs_->answer_by([](const SubmittedSync&) { return SyncAnswer::success(); });
  while (transfers_->end_oldest_transfer(TransferAnswer::success(0))) {
  }
  syncs_->end_all(SyncAnswer::success());
}

std::shared_ptr<AioRequest> FakeAio::sync(SyncKind kind, std::size_t file) {
  return submit(AioOrder::sync(files_.fd(file), kind));
}

std::shared_ptr<AioRequest> FakeAio::write(std::size_t file) {
  return submit(AioOrder::write(files_.fd(file), buffer_, 0));
}

std::shared_ptr<AioRequest> FakeAio::read(std::size_t file) {
  return submit(AioOrder::read(files_.fd(file), buffer_, 0));
}

std::shared_ptr<AioRequest> FakeAio::submit(AioOrder order) {
  auto request = context_->submit(std::move(order));
  SLUICE_CHECK(request.has_value());
  return *request;
}

void FakeAio::end_transfer(std::size_t index, int error) {
  SLUICE_CHECK(transfers_->wait_for_transfers(index + 1));
  const std::size_t bytes = transfers_->submitted_transfers().at(index).transfer.bytes;
  transfers_->end_nth_transfer(index,
                               error == 0 ? TransferAnswer::success(bytes) : TransferAnswer::failure(error));
}

void FakeAio::end_sync(std::size_t index, int error) {
  SLUICE_CHECK(syncs_->wait_for_submissions(index + 1));
  syncs_->end_nth(index, answer(error));
}

std::size_t FakeAio::syncs_when_idle() {
  SLUICE_CHECK(transfers_->wait_until_idle() && syncs_->wait_until_idle());
  return syncs_->submitted().size();
}

}  // namespace sluice::testing
