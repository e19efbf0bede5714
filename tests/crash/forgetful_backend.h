#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "sluice/io_backend.h"

namespace sluice::testing {

/// Makes all syncs by another backend but every `nth`, of which it says that it succeeded: what an engine
/// does that takes an inode for durable which is not.
class ForgetfulBackend final : public IoBackend {
 public:
  ForgetfulBackend(std::unique_ptr<IoBackend> honest, unsigned nth) : honest_(std::move(honest)), nth_(nth) {}

  void submit_sync(IoToken token, int fd, SyncKind kind) override {
    if (!forgets()) return honest_->submit_sync(token, fd, kind);
    forgotten_.push_back({token, IoOutcome::succeeded});
  }
  IoCompletion sync(int fd, SyncKind kind) override {
    return forgets() ? IoCompletion{{}, IoOutcome::succeeded} : honest_->sync(fd, kind);
  }
  void submit_transfer(IoToken token, const Transfer& transfer) override {
    honest_->submit_transfer(token, transfer);
  }
  void wait(std::vector<IoCompletion>& completions) override {
    if (forgotten_.empty()) return honest_->wait(completions);
    completions.insert(completions.end(), forgotten_.begin(), forgotten_.end());
    forgotten_.clear();
  }
  void wake() override { honest_->wake(); }
  [[nodiscard]] Result<Fingerprint> fingerprint(int fd) const override { return honest_->fingerprint(fd); }
  [[nodiscard]] Result<off_t> size(int fd) const override { return honest_->size(fd); }
  [[nodiscard]] timespec wall_clock() const override { return honest_->wall_clock(); }
  [[nodiscard]] bool stamps_by_wall_clock(int fd) const override { return honest_->stamps_by_wall_clock(fd); }
  [[nodiscard]] unsigned max_in_flight() const override { return honest_->max_in_flight(); }
  [[nodiscard]] std::string_view name() const override { return "forgetful"; }

 private:
  bool forgets() { return ++asked_ % nth_ == 0; }

  const std::unique_ptr<IoBackend> honest_;
  const unsigned nth_;
  std::atomic<std::uint64_t> asked_{0};
  // Of the engine's thread.
  std::vector<IoCompletion> forgotten_;
};

}  // namespace sluice::testing
