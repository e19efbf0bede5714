#include "aio/process_aio.h"

#include <pthread.h>

#include <cerrno>

#include "aio/aio_environment.h"
#include "sluice/check.h"
#include "sluice/mutex.h"

namespace sluice {
namespace {

/// Held across a fork, so that the child finds it whole.
struct ProcessAio {
  Mutex mutex;
  AioOptions options SLUICE_GUARDED_BY(mutex) = aio_environment().options;
  /// Of this process; a child forgets its parent's, which none of its own threads could end.
  AioContext* context SLUICE_GUARDED_BY(mutex) = nullptr;
};

ProcessAio& state();

// Locked by one handler and unlocked by another, which the analysis cannot follow.
void before_fork() SLUICE_TSA(no_thread_safety_analysis) {
  state().mutex.lock();
  if (state().context != nullptr) state().context->before_fork();
}

void after_fork_in_parent() SLUICE_TSA(no_thread_safety_analysis) {
  if (state().context != nullptr) state().context->after_fork_in_parent();
  state().mutex.unlock();
}

void after_fork_in_child() SLUICE_TSA(no_thread_safety_analysis) {
  if (state().context != nullptr) state().context->after_fork_in_child();
  state().context = nullptr;
  state().mutex.unlock();
}

ProcessAio& state() {
  // Never destroyed: threads of the context may outlive main().
  static ProcessAio* const process = [] {
    SLUICE_CHECK(::pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) == 0);
    return new ProcessAio;
  }();
  return *process;
}

// Made when the program is loaded: a fork while another thread makes it would leave the child with half of
// it.
[[gnu::constructor]] void make_state() {
  state();
}

}  // namespace

Result<AioContext*> process_aio() {
  ProcessAio& process = state();
  const MutexLock lock(process.mutex);
  if (process.context == nullptr) {
    Result<std::unique_ptr<AioContext>> made = AioContext::create(process.options);
    if (!made) return fail(made.error());
    process.context = made->release();
  }
  return process.context;
}

Result<void> set_process_aio_options(const AioOptions& options) {
  ProcessAio& process = state();
  const MutexLock lock(process.mutex);
  if (process.context != nullptr) return fail(EBUSY);
  process.options = options;
  return {};
}

AioOptions process_aio_options() {
  ProcessAio& process = state();
  const MutexLock lock(process.mutex);
  return process.options;
}

}  // namespace sluice
