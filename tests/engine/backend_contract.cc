#include "backend_contract.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "fake_backend.h"
#include "os_sync.h"
#include "os_transfer.h"

namespace sluice::testing {

std::vector<BackendMaker> BackendContract::makers() {
  const auto make_fake = []() -> Result<std::unique_ptr<IoBackend>> {
    auto fake = std::make_unique<FakeBackend>(kLimit);
    fake->answer_by([](const SubmittedSync& sync) -> std::optional<SyncAnswer> {
      const IoCompletion completion = completion_of(sync.token, sync_file(sync.fd, sync.kind));
      return SyncAnswer{completion.outcome, completion.error};
    });
    fake->answer_transfers_by([](const SubmittedTransfer& submitted) -> std::optional<TransferAnswer> {
      const IoCompletion completion =
          completion_of_transfer(submitted.token, transfer_bytes(submitted.transfer));
      return TransferAnswer{completion.outcome, completion.bytes, completion.error};
    });
    return fake;
  };
  return {{"io_uring", [] { return make_backend(BackendChoice::io_uring, kLimit); }},
          {"threads", [] { return make_backend(BackendChoice::threads, kLimit); }},
          {"fake", make_fake}};
}

void BackendContract::SetUp() {
  Result<std::unique_ptr<IoBackend>> made = GetParam().make();
  if (!made) GTEST_SKIP() << GetParam().name << " is not to be had here: " << made.error().message();
  backend_ = std::move(*made);
}

IoToken BackendContract::submit(int fd, SyncKind kind) {
  const IoToken token(++last_token_);
  backend_->submit_sync(token, fd, kind);
  return token;
}

IoToken BackendContract::submit(const Transfer& transfer) {
  const IoToken token(++last_token_);
  backend_->submit_transfer(token, transfer);
  return token;
}

std::vector<IoCompletion> BackendContract::collect(std::size_t count) {
  std::vector<IoCompletion> completions;
  while (completions.size() < count) backend_->wait(completions);
  std::sort(completions.begin(), completions.end(),
            [](const IoCompletion& a, const IoCompletion& b) { return a.token < b.token; });
  return completions;
}

IoCompletion BackendContract::sync(int fd, SyncKind kind) {
  submit(fd, kind);
  return collect(1).front();
}

}  // namespace sluice::testing
