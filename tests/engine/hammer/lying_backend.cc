#include "lying_backend.h"

#include <algorithm>
#include <utility>

namespace sluice::testing {

void LyingBackend::submit_sync(IoToken token, int fd, SyncKind kind) {
  const bool skips = lie_ == Lie::success_without_a_sync && ++submitted_ % 2 == 0;
  // The honest backend must not be given more than it takes.
  const bool early = lie_ == Lie::success_before_the_end && told_.size() < backend_->max_in_flight() / 2;
  if (skips || early) lies_.push_back({.token = token, .outcome = IoOutcome::succeeded});
  if (early) told_.insert(token);
  if (!skips) backend_->submit_sync(token, fd, kind);
}

IoCompletion LyingBackend::sync(int fd, SyncKind kind) {
  // Of one that is made at once nothing is told before its end.
  if (lie_ == Lie::success_without_a_sync && ++submitted_ % 2 == 0) return {{}, IoOutcome::succeeded};
  IoCompletion completion = backend_->sync(fd, kind);
  if (lie_ == Lie::success_for_failure && completion.outcome == IoOutcome::failed)
    completion.outcome = IoOutcome::succeeded;
  return completion;
}

void LyingBackend::wait(std::vector<IoCompletion>& completions) {
  if (!lies_.empty()) {
    completions.insert(completions.end(), lies_.begin(), lies_.end());
    lies_.clear();
    return;
  }
  const auto first = static_cast<std::ptrdiff_t>(completions.size());
  backend_->wait(completions);
  const auto known = std::remove_if(completions.begin() + first, completions.end(),
                                    [&](const IoCompletion& c) { return told_.erase(c.token) != 0; });
  completions.erase(known, completions.end());
  if (lie_ != Lie::success_for_failure) return;
  for (IoCompletion& completion : completions) {
    if (completion.outcome == IoOutcome::failed) completion.outcome = IoOutcome::succeeded;
  }
}

}  // namespace sluice::testing
