#include "thread_backend.h"

#include <system_error>
#include <utility>

#include "os_sync.h"
#include "os_transfer.h"
#include "own_thread.h"
#include "sluice/check.h"

namespace sluice {

Result<std::unique_ptr<ThreadBackend>> ThreadBackend::create(unsigned max_in_flight) {
  return create(max_in_flight, sync_file);
}

Result<std::unique_ptr<ThreadBackend>> ThreadBackend::create(unsigned max_in_flight, SyncCall sync_call) {
  SLUICE_CHECK(max_in_flight > 0 && max_in_flight <= kMaxInFlight);
  std::unique_ptr<ThreadBackend> backend(new ThreadBackend(max_in_flight, std::move(sync_call)));
  const Result<void> first = backend->add_thread();
  if (!first) return fail(first.error());
  return backend;
}

ThreadBackend::ThreadBackend(unsigned max_in_flight, SyncCall sync_call)
    : max_in_flight_(max_in_flight), sync_call_(std::move(sync_call)) {
  threads_.reserve(max_in_flight);
}

ThreadBackend::~ThreadBackend() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    call_queued_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
}

void ThreadBackend::submit_sync(IoToken token, int fd, SyncKind kind) {
  submit({token, Sync{fd, kind}});
}

IoCompletion ThreadBackend::sync(int fd, SyncKind kind) {
  return completion_of({}, sync_call_(fd, kind));
}

void ThreadBackend::submit_transfer(IoToken token, const Transfer& transfer) {
  SLUICE_CHECK(transfer.offset >= 0);
  submit({token, transfer});
}

void ThreadBackend::submit(const Call& call) {
  bool needs_thread = false;
  {
    MutexLock lock(mutex_);
    queue_.push_back(call);
    needs_thread = queue_.size() + busy_ > threads_.size() && threads_.size() < max_in_flight_;
    call_queued_.notify_one();
  }
  // Without a new thread the call waits for one of those that there are.
  if (needs_thread) static_cast<void>(add_thread());
}

void ThreadBackend::wait(std::vector<IoCompletion>& completions) {
  MutexLock lock(mutex_);
  while (completed_.empty() && !woken_) wait_over_.wait(mutex_);
  completions.insert(completions.end(), completed_.begin(), completed_.end());
  completed_.clear();
  woken_ = false;
}

void ThreadBackend::wake() {
  MutexLock lock(mutex_);
  woken_ = true;
  wait_over_.notify_one();
}

Result<void> ThreadBackend::add_thread() {
  try {
    threads_.push_back(start_own_thread("sluice-io", [this] { run(); }));
  } catch (const std::system_error& error) {
    return fail(error.code().value());
  }
  return {};
}

void ThreadBackend::run() {
  for (;;) {
    Call call{};
    {
      MutexLock lock(mutex_);
      while (queue_.empty() && !stopping_) call_queued_.wait(mutex_);
      if (queue_.empty()) return;
      call = queue_.front();
      queue_.pop_front();
      ++busy_;
    }
    const IoCompletion completion = make(call);
    MutexLock lock(mutex_);
    completed_.push_back(completion);
    --busy_;
    wait_over_.notify_one();
  }
}

IoCompletion ThreadBackend::make(const Call& call) const {
  if (const auto* transfer = std::get_if<Transfer>(&call.what))
    return completion_of_transfer(call.token, transfer_bytes(*transfer));
  const Sync& sync = std::get<Sync>(call.what);
  return completion_of(call.token, sync_call_(sync.fd, sync.kind));
}

}  // namespace sluice
