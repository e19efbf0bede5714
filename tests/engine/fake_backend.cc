#include "fake_backend.h"

#include <sys/stat.h>

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

void FakeBackend::submit_sync(IoToken token, int fd, SyncKind kind) {
  const SubmittedSync sync{.token = token, .fd = fd, .kind = kind, .inode = inode_of(fd)};
  {
    const MutexLock lock(mutex_);
    check_rules(token);
    syncs_.add(sync);
  }
  offer(sync);
}

IoCompletion FakeBackend::sync(int fd, SyncKind kind) {
  SubmittedSync sync{.token = {}, .fd = fd, .kind = kind, .inode = inode_of(fd)};
  {
    const MutexLock lock(mutex_);
    sync.token = IoToken(last_here_++);
    syncs_.add(sync);
  }
  offer(sync);
  const MutexLock lock(mutex_);
  while (!completed_here_.contains(sync.token)) changed_.wait(mutex_);
  return completed_here_.extract(sync.token).mapped();
}

void FakeBackend::offer(const SubmittedSync& sync) {
  AnswerFunction answer_function;
  {
    const MutexLock lock(mutex_);
    answer_function = answer_function_;
    changed_.notify_all();
  }
  if (!answer_function) return;
  const std::optional<SyncAnswer> answer = answer_function(sync);
  const MutexLock lock(mutex_);
  const auto found = syncs_.find(sync.token);
  // The test may have ended it by now.
  if (answer && found != syncs_.in_flight().end()) end_locked(found, *answer);
}

void FakeBackend::submit_transfer(IoToken token, const Transfer& transfer) {
  const SubmittedTransfer submitted{.token = token, .transfer = transfer, .inode = inode_of(transfer.fd)};
  TransferFunction function;
  {
    const MutexLock lock(mutex_);
    check_rules(token);
    transfers_.add(submitted);
    function = transfer_function_;
    changed_.notify_all();
  }
  if (!function) return;
  const std::optional<TransferAnswer> answer = function(submitted);
  const MutexLock lock(mutex_);
  const auto found = transfers_.find(token);
  if (answer && found != transfers_.in_flight().end()) end_locked(found, *answer);
}

void FakeBackend::wait(std::vector<IoCompletion>& completions) {
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
  ++fingerprints_;
  return fingerprint_ ? *fingerprint_ : fingerprint_of(fd);
}

Result<off_t> FakeBackend::size(int fd) const {
  const MutexLock lock(mutex_);
  return (fingerprint_ ? *fingerprint_ : fingerprint_of(fd)).map(&Fingerprint::size);
}

timespec FakeBackend::wall_clock() const {
  const MutexLock lock(mutex_);
  return wall_clock_.value_or(timespec{});
}

bool FakeBackend::stamps_by_wall_clock(int /*fd*/) const {
  const MutexLock lock(mutex_);
  return wall_clock_.has_value();
}

void FakeBackend::check_rules(IoToken token) {
  const std::size_t in_flight = syncs_.in_flight().size() + transfers_.in_flight().size();
  SLUICE_CHECK(in_flight + completed_.size() < max_in_flight_);
  SLUICE_CHECK(syncs_.find(token) == syncs_.in_flight().end());
  SLUICE_CHECK(transfers_.find(token) == transfers_.in_flight().end());
  if (!engine_thread_) engine_thread_ = std::this_thread::get_id();
  SLUICE_CHECK(*engine_thread_ == std::this_thread::get_id());
}

// ---- The test's side: syncs ----

std::vector<SubmittedSync> FakeBackend::submitted() const {
  const MutexLock lock(mutex_);
  return syncs_.submitted();
}

std::vector<SubmittedSync> FakeBackend::in_flight() const {
  const MutexLock lock(mutex_);
  return syncs_.list_in_flight();
}

bool FakeBackend::wait_for_submissions(std::size_t count) const {
  const auto until = deadline();
  const MutexLock lock(mutex_);
  while (syncs_.submitted().size() < count) {
    if (!changed_.wait_until(mutex_, until)) return syncs_.submitted().size() >= count;
  }
  return true;
}

void FakeBackend::end(IoToken token, SyncAnswer answer) {
  const MutexLock lock(mutex_);
  end_locked(syncs_.find(token), answer);
}

void FakeBackend::end_nth(std::size_t index, SyncAnswer answer) {
  const MutexLock lock(mutex_);
  end_locked(syncs_.in_flight().find(index), answer);
}

bool FakeBackend::end_oldest(SyncAnswer answer) {
  const MutexLock lock(mutex_);
  if (syncs_.in_flight().empty()) return false;
  end_locked(syncs_.in_flight().begin(), answer);
  return true;
}

void FakeBackend::end_all(SyncAnswer answer) {
  const MutexLock lock(mutex_);
  while (!syncs_.in_flight().empty()) end_locked(syncs_.in_flight().begin(), answer);
}

void FakeBackend::end_locked(Syncs::InFlight::iterator sync, SyncAnswer answer) {
  const SubmittedSync ended = syncs_.take(sync);
  SLUICE_CHECK(inode_of(ended.fd) == ended.inode);
  const IoCompletion completion{.token = ended.token, .outcome = answer.outcome, .error = answer.error};
  if (ended.token.number() < kHere) {
    completed_.push_back(completion);
  } else {
    completed_here_.emplace(ended.token, completion);
  }
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
    Syncs::InFlight& held = syncs_.in_flight();
    while (!stopping_ && (held.empty() || (patiently && !waiting_))) changed_.wait(mutex_);
    if (stopping_) return;
    const auto sync = std::next(held.begin(), static_cast<std::ptrdiff_t>(random() % held.size()));
    end_locked(sync, function(sync->second).value());
  }
}

// ---- The test's side: transfers ----

std::vector<SubmittedTransfer> FakeBackend::submitted_transfers() const {
  const MutexLock lock(mutex_);
  return transfers_.submitted();
}

std::vector<SubmittedTransfer> FakeBackend::transfers_in_flight() const {
  const MutexLock lock(mutex_);
  return transfers_.list_in_flight();
}

bool FakeBackend::wait_for_transfers(std::size_t count) const {
  const auto until = deadline();
  const MutexLock lock(mutex_);
  while (transfers_.submitted().size() < count) {
    if (!changed_.wait_until(mutex_, until)) return transfers_.submitted().size() >= count;
  }
  return true;
}

void FakeBackend::end_transfer(IoToken token, TransferAnswer answer) {
  const MutexLock lock(mutex_);
  end_locked(transfers_.find(token), answer);
}

void FakeBackend::end_nth_transfer(std::size_t index, TransferAnswer answer) {
  const MutexLock lock(mutex_);
  end_locked(transfers_.in_flight().find(index), answer);
}

bool FakeBackend::end_oldest_transfer(TransferAnswer answer) {
  const MutexLock lock(mutex_);
  if (transfers_.in_flight().empty()) return false;
  end_locked(transfers_.in_flight().begin(), answer);
  return true;
}

void FakeBackend::answer_transfers_by(TransferFunction function) {
  const MutexLock lock(mutex_);
  transfer_function_ = std::move(function);
}

void FakeBackend::end_locked(Transfers::InFlight::iterator transfer, TransferAnswer answer) {
  const SubmittedTransfer ended = transfers_.take(transfer);
  SLUICE_CHECK(inode_of(ended.transfer.fd) == ended.inode);
  completed_.push_back(
      {.token = ended.token, .outcome = answer.outcome, .error = answer.error, .bytes = answer.bytes});
  changed_.notify_all();
}

// ---- The test's side: the rest ----

std::size_t FakeBackend::fingerprints() const {
  const MutexLock lock(mutex_);
  return fingerprints_;
}

std::size_t FakeBackend::wakes() const {
  const MutexLock lock(mutex_);
  return wakes_;
}

bool FakeBackend::wait_until_idle() const {
  const auto until = deadline();
  const MutexLock lock(mutex_);
  while (!waiting_ || woken_ || !completed_.empty()) {
    if (!changed_.wait_until(mutex_, until)) return false;
  }
  return true;
}

void FakeBackend::set_fingerprint(Result<Fingerprint> fingerprint) {
  const MutexLock lock(mutex_);
  fingerprint_ = fingerprint;
}

void FakeBackend::set_wall_clock(timespec now) {
  const MutexLock lock(mutex_);
  wall_clock_ = now;
}

}  // namespace sluice::testing
