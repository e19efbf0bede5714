#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <set>
#include <string_view>
#include <vector>

#include "sluice/io_backend.h"

namespace sluice::testing {

/// How a LyingBackend lies.
enum class Lie : std::uint8_t {
  success_before_the_end,  ///< A sync has succeeded as soon as it is submitted.
  success_without_a_sync,  ///< Every other sync is not made at all.
  success_for_failure,     ///< What failed has succeeded.
};

/// Stands between the engine and an honest backend and makes liars of both: whoever watches must notice. Of
/// transfers it only tells the lie about failures.
class LyingBackend final : public IoBackend {
 public:
  /// Never has more than half of what `backend` takes in flight, as far as the engine knows.
  LyingBackend(std::unique_ptr<IoBackend> backend, Lie lie) : backend_(std::move(backend)), lie_(lie) {}

  void submit_sync(IoToken token, int fd, SyncKind kind) override;
  IoCompletion sync(int fd, SyncKind kind) override;
  void submit_transfer(IoToken token, const Transfer& transfer) override {
    backend_->submit_transfer(token, transfer);
  }
  void wait(std::vector<IoCompletion>& completions) override;
  void wake() override { backend_->wake(); }
  [[nodiscard]] Result<Fingerprint> fingerprint(int fd) const override { return backend_->fingerprint(fd); }
  [[nodiscard]] Result<off_t> size(int fd) const override { return backend_->size(fd); }
  [[nodiscard]] timespec wall_clock() const override { return backend_->wall_clock(); }
  [[nodiscard]] bool stamps_by_wall_clock(int fd) const override {
    return backend_->stamps_by_wall_clock(fd);
  }
  [[nodiscard]] unsigned max_in_flight() const override { return backend_->max_in_flight() / 2; }
  [[nodiscard]] std::string_view name() const override { return "liar"; }

 private:
  const std::unique_ptr<IoBackend> backend_;
  const Lie lie_;
  std::atomic<std::size_t> submitted_{0};

  // Owned by the engine's thread.
  std::vector<IoCompletion> lies_;  ///< To be told.
  std::set<IoToken> told_;          ///< Running, but answered by a lie.
};

}  // namespace sluice::testing
