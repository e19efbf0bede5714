#include "fake_backend.h"

#include <sys/stat.h>

#include <algorithm>
#include <iterator>
#include <random>
#include <utility>

#include "os_sync.h"
#include "sluice/check.h"

namespace sluice::testing {
namespace {

std::chrono::steady_clock::time_point deadline() {
  return std::chrono::steady_clock::now() + FakeBackend::kPatience;
}

ino_t inode_of(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 ? status.st_ino : 0;
}

}  // namespace

FakeBackend::~FakeBackend() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (ender_.joinable()) ender_.join();
}

// ---- IoBackend ----

void FakeBackend::submit_sync(SyncToken token, int fd, SyncKind kind) {
  const SubmittedSync sync{.token = token, .fd = fd, .kind = kind, .inode = inode_of(fd)};
  AnswerFunction answer_function;
  {
    const MutexLock lock(mutex_);
    check_rules(sync);
    in_flight_.emplace(submitted_.size(), sync);
    submitted_.push_back(sync);
    answer_function = answer_function_;
    changed_.notify_all();
  }
  if (!answer_function) return;
  const std::optional<SyncAnswer> answer = answer_function(sync);
  const MutexLock lock(mutex_);
  const auto found = find(token);
  // The test may have ended it by now.
  if (answer && found != in_flight_.end()) end_locked(found, *answer);
}

void FakeBackend::wait(std::vector<SyncCompletion>& completions) {
  const MutexLock lock(mutex_);
  SLUICE_CHECK(!engine_thread_ || *engine_thread_ == std::this_thread::get_id());
  waiting_ = true;
  changed_.notify_all();
  while (completed_.empty() && !woken_) changed_.wait(mutex_);
  waiting_ = false;
  completions.insert(completions.end(), completed_.begin(), completed_.end());
  completed_.clear();
  woken_ = false;
}

void FakeBackend::wake() {
  const MutexLock lock(mutex_);
  woken_ = true;
  ++wakes_;
  changed_.notify_all();
}

Result<Fingerprint> FakeBackend::fingerprint(int fd) const {
  const MutexLock lock(mutex_);
  return fingerprint_ ? *fingerprint_ : fingerprint_of(fd);
}

void FakeBackend::check_rules(const SubmittedSync& sync) {
  SLUICE_CHECK(in_flight_.size() + completed_.size() < max_syncs_);
  SLUICE_CHECK(find(sync.token) == in_flight_.end());
  if (!engine_thread_) engine_thread_ = std::this_thread::get_id();
  SLUICE_CHECK(*engine_thread_ == std::this_thread::get_id());
}

// ---- The test's side ----

std::vector<SubmittedSync> FakeBackend::submitted() const {
  const MutexLock lock(mutex_);
  return submitted_;
}

std::size_t FakeBackend::wakes() const {
  const MutexLock lock(mutex_);
  return wakes_;
}

std::vector<SubmittedSync> FakeBackend::in_flight() const {
  const MutexLock lock(mutex_);
  std::vector<SubmittedSync> syncs;
  for (const auto& [index, sync] : in_flight_) syncs.push_back(sync);
  return syncs;
}

bool FakeBackend::wait_for_submissions(std::size_t count) const {
  const auto until = deadline();
  const MutexLock lock(mutex_);
  while (submitted_.size() < count) {
    if (!changed_.wait_until(mutex_, until)) return submitted_.size() >= count;
  }
  return true;
}

bool FakeBackend::wait_until_idle() const {
  const auto until = deadline();
  const MutexLock lock(mutex_);
  while (!waiting_ || woken_ || !completed_.empty()) {
    if (!changed_.wait_until(mutex_, until)) return false;
  }
  return true;
}

void FakeBackend::end(SyncToken token, SyncAnswer answer) {
  const MutexLock lock(mutex_);
  end_locked(find(token), answer);
}

void FakeBackend::end_nth(std::size_t index, SyncAnswer answer) {
  const MutexLock lock(mutex_);
  end_locked(in_flight_.find(index), answer);
}

bool FakeBackend::end_oldest(SyncAnswer answer) {
  const MutexLock lock(mutex_);
  if (in_flight_.empty()) return false;
  end_locked(in_flight_.begin(), answer);
  return true;
}

void FakeBackend::end_all(SyncAnswer answer) {
  const MutexLock lock(mutex_);
  while (!in_flight_.empty()) end_locked(in_flight_.begin(), answer);
}

FakeBackend::InFlight::iterator FakeBackend::find(SyncToken token) {
  return std::find_if(in_flight_.begin(), in_flight_.end(),
                      [&](const auto& numbered) { return numbered.second.token == token; });
}

void FakeBackend::end_locked(InFlight::iterator sync, SyncAnswer answer) {
  SLUICE_CHECK(sync != in_flight_.end());
  SLUICE_CHECK(inode_of(sync->second.fd) == sync->second.inode);
  completed_.push_back({sync->second.token, answer.outcome, answer.error});
  in_flight_.erase(sync);
  changed_.notify_all();
}

void FakeBackend::answer_by(AnswerFunction function) {
  const MutexLock lock(mutex_);
  answer_function_ = std::move(function);
}

void FakeBackend::end_in_random_order(std::uint32_t seed, AnswerFunction function) {
  SLUICE_CHECK(!ender_.joinable());
  ender_ = std::thread([this, seed, answer = std::move(function)] { end_until_stopped(seed, answer); });
}

void FakeBackend::end_until_stopped(std::uint32_t seed, const AnswerFunction& function) {
  std::mt19937 random(seed);
  const MutexLock lock(mutex_);
  while (true) {
    // Often only when the engine has handed over all that it can, so that much is in flight at once.
    const bool patiently = random() % 4 != 0;
    while (!stopping_ && (in_flight_.empty() || (patiently && !waiting_))) changed_.wait(mutex_);
    if (stopping_) return;
    const auto sync =
        std::next(in_flight_.begin(), static_cast<std::ptrdiff_t>(random() % in_flight_.size()));
    end_locked(sync, function(sync->second).value());
  }
}

void FakeBackend::set_fingerprint(Result<Fingerprint> fingerprint) {
  const MutexLock lock(mutex_);
  fingerprint_ = fingerprint;
}

}  // namespace sluice::testing
