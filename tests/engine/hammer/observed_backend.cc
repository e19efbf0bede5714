#include "observed_backend.h"

#include <sys/stat.h>

#include <utility>

#include "sluice/check.h"

namespace sluice::testing {
namespace {

ino_t inode_of(int fd) {
  struct stat status {};
  SLUICE_CHECK(::fstat(fd, &status) == 0);
  return status.st_ino;
}

}  // namespace

ObservedBackend::ObservedBackend(std::unique_ptr<IoBackend> backend, TickClock& clock, Histories& histories,
                                 Meddler meddler)
    : backend_(std::move(backend)), clock_(clock), histories_(histories), meddler_(std::move(meddler)) {}

ObservedBackend::~ObservedBackend() {
  write_down_known();
}

void ObservedBackend::submit_sync(IoToken token, int fd, SyncKind kind) {
  write_down_known();
  Running running{&histories_.at(inode_of(fd)), {}};
  running.seen.kind = kind;
  running.seen.chosen = last_return_;
  running.seen.begun = clock_.now();
  SLUICE_CHECK(running_.emplace(token.number(), running).second);
  backend_->submit_sync(token, fd, kind);
  last_return_ = clock_.now();
}

void ObservedBackend::submit_transfer(IoToken token, const Transfer& transfer) {
  SLUICE_CHECK(transfers_.insert(token.number()).second);
  backend_->submit_transfer(token, transfer);
}

void ObservedBackend::wait(std::vector<IoCompletion>& completions) {
  write_down_known();
  const std::size_t before = completions.size();
  backend_->wait(completions);
  for (std::size_t i = before; i < completions.size(); ++i) {
    IoCompletion& completion = completions[i];
    if (transfers_.erase(completion.token.number()) != 0) continue;
    if (meddler_) completion = meddler_(completion);
    const auto found = running_.find(completion.token.number());
    SLUICE_CHECK(found != running_.end());
    Running running = found->second;
    running_.erase(found);
    if (completion.outcome == IoOutcome::never_ran) continue;
    running.seen.ended = clock_.now();
    running.seen.error = completion.outcome == IoOutcome::failed ? completion.error.value() : 0;
    told_.push_back(running);
  }
  last_return_ = clock_.now();
}

void ObservedBackend::write_down_known() {
  const Tick known = clock_.now();
  for (Running& running : told_) {
    running.seen.known = known;
    running.history->add(running.seen);
  }
  told_.clear();
}

}  // namespace sluice::testing
