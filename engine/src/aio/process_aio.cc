#include "aio/process_aio.h"

#include <cerrno>

#include "aio/aio_environment.h"
#include "aio/process_wide.h"
#include "sluice/mutex.h"

namespace sluice {
namespace {

/// Held across a fork, so that the child finds it whole.
struct ProcessAio {
  Mutex mutex;
  AioOptions options SLUICE_GUARDED_BY(mutex) = aio_environment().options;
  /// Of this process; a child forgets its parent's, which none of its own threads could end.
  AioContext* context SLUICE_GUARDED_BY(mutex) = nullptr;

  // Locked by one handler and unlocked by another, which the analysis cannot follow.
  void before_fork() SLUICE_TSA(no_thread_safety_analysis) {
    mutex.lock();
    if (context != nullptr) context->before_fork();
  }
  void after_fork_in_parent() SLUICE_TSA(no_thread_safety_analysis) {
    if (context != nullptr) context->after_fork_in_parent();
    mutex.unlock();
  }
  void after_fork_in_child() SLUICE_TSA(no_thread_safety_analysis) {
    if (context != nullptr) context->after_fork_in_child();
    context = nullptr;
    mutex.unlock();
  }
};

ProcessAio& state() {
  return process_wide<ProcessAio>();
}

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
