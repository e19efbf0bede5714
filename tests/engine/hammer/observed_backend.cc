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
  const MutexLock lock(mutex_);
  write_down_known_here();
}

void ObservedBackend::about_to_submit() {
  const MutexLock lock(mutex_);
  submitting_.insert_or_assign(std::this_thread::get_id(), clock_.now());
}

ObservedBackend::Running ObservedBackend::begin(int fd, SyncKind kind, Tick chosen) {
  Running running{&histories_.at(inode_of(fd)), {}};
  running.seen.kind = kind;
  running.seen.chosen = chosen;
  running.seen.begun = clock_.now();
  return running;
}

void ObservedBackend::end(Running& running, const IoCompletion& completion, Tick now) {
  running.seen.ended = now;
  running.seen.error = completion.outcome == IoOutcome::failed ? completion.error.value() : 0;
}

void ObservedBackend::submit_sync(IoToken token, int fd, SyncKind kind) {
  write_down_known();
  SLUICE_CHECK(running_.emplace(token.number(), begin(fd, kind, last_return_)).second);
  backend_->submit_sync(token, fd, kind);
  last_return_ = clock_.now();
}

IoCompletion ObservedBackend::sync(int fd, SyncKind kind) {
  Tick chosen = 0;
  {
    const MutexLock lock(mutex_);
    write_down_known_here();
    chosen = submitting_.at(std::this_thread::get_id());
  }
  Running running = begin(fd, kind, chosen);
  const IoCompletion completion = meddled(backend_->sync(fd, kind));
  if (completion.outcome == IoOutcome::never_ran) return completion;
  end(running, completion, clock_.now());
  const MutexLock lock(mutex_);
  told_here_.push_back(running);
  return completion;
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
    completion = meddled(completion);
    const auto found = running_.find(completion.token.number());
    SLUICE_CHECK(found != running_.end());
    Running running = found->second;
    running_.erase(found);
    if (completion.outcome == IoOutcome::never_ran) continue;
    end(running, completion, clock_.now());
    told_.push_back(running);
  }
  last_return_ = clock_.now();
}

IoCompletion ObservedBackend::meddled(const IoCompletion& completion) {
  const MutexLock lock(mutex_);
  return meddler_ ? meddler_(completion) : completion;
}

void ObservedBackend::write_down_known() {
  const Tick known = clock_.now();
  for (Running& running : told_) {
    running.seen.known = known;
    running.history->add(running.seen);
  }
  told_.clear();
}

void ObservedBackend::write_down_known_here() {
  const Tick known = clock_.now();
  for (Running& running : told_here_) {
    running.seen.known = known;
    running.history->add(running.seen);
  }
  told_here_.clear();
}

}  // namespace sluice::testing
