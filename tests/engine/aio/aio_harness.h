#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "fake_backend.h"
#include "sluice/aio_context.h"
#include "temp_files.h"

namespace sluice::testing {

/// The error number of a result; 0 for success.
int error_of(const Result<std::size_t>& result);
/// Waits for the request: its error number, 0 for success; ETIMEDOUT when it is not done in
/// FakeBackend::kPatience.
int outcome_of(const AioRequest& request);
std::span<const std::byte> bytes_of(std::string_view text);

/// A context whose syncs and transfers end when and as the test says.
class FakeAio {
 public:
  explicit FakeAio(std::size_t files = 1, AioOptions options = {});
  /// Ends what is in flight, so that the context can stop.
  ~FakeAio();
  FakeAio(const FakeAio&) = delete;
  FakeAio& operator=(const FakeAio&) = delete;

  [[nodiscard]] AioContext& context() { return *context_; }
  [[nodiscard]] TempFiles& files() { return files_; }
  /// Belong to the context.
  [[nodiscard]] FakeBackend& syncs() { return *syncs_; }
  [[nodiscard]] FakeBackend& transfers() { return *transfers_; }

  /// Each submits a request that must not be refused.
  std::shared_ptr<AioRequest> sync(SyncKind kind = SyncKind::full, std::size_t file = 0);
  std::shared_ptr<AioRequest> write(std::size_t file = 0);
  std::shared_ptr<AioRequest> read(std::size_t file = 0);
  std::shared_ptr<AioRequest> submit(AioOrder order);

  /// Ends the `index`th transfer that was ever submitted, from 0, once it has been.
  void end_transfer(std::size_t index, int error = 0);
  /// Ends the `index`th sync that was ever submitted, from 0, once it has been.
  void end_sync(std::size_t index, int error = 0);
  /// How many syncs have been submitted, once the context has nothing left to do.
  std::size_t syncs_when_idle();

 private:
  TempFiles files_;
  FakeBackend* syncs_;
  FakeBackend* transfers_;
  std::vector<std::byte> buffer_;
  std::unique_ptr<AioContext> context_;
};

}  // namespace sluice::testing
