#include "aio/libaio_registry.h"

#include <cerrno>
#include <utility>

#include "aio/process_wide.h"

namespace sluice {
namespace {

[[gnu::constructor]] void make_registry() {
  LibaioRegistry::instance();
}

}  // namespace

LibaioRegistry& LibaioRegistry::instance() {
  return process_wide<LibaioRegistry>();
}

// ---- Contexts ----

sluice_io_context_t LibaioRegistry::add(std::shared_ptr<LibaioContext> context) {
  const MutexLock lock(mutex_);
  const std::uintptr_t name = ++last_name_;
  contexts_.emplace(name, std::move(context));
  return reinterpret_cast<sluice_io_context_t>(name);
}

std::shared_ptr<LibaioContext> LibaioRegistry::find(sluice_io_context_t name) {
  const MutexLock lock(mutex_);
  const auto found = find_locked(name);
  return found == contexts_.end() ? nullptr : found->second;
}

std::shared_ptr<LibaioContext> LibaioRegistry::remove(sluice_io_context_t name) {
  const MutexLock lock(mutex_);
  const auto found = find_locked(name);
  if (found == contexts_.end()) return nullptr;
  std::shared_ptr<LibaioContext> context = std::move(found->second);
  contexts_.erase(found);
  return context;
}

LibaioRegistry::Contexts::iterator LibaioRegistry::find_locked(sluice_io_context_t name) {
  const auto number = reinterpret_cast<std::uintptr_t>(name);
  return number <= last_inherited_ ? contexts_.end() : contexts_.find(number);
}

// ---- Blocks ----

Result<std::uint64_t> LibaioRegistry::claim(const sluice_iocb* block, const LibaioContext& context) {
  const MutexLock lock(mutex_);
  const bool is_new = uses_.try_emplace(block, Use{&context, last_use_ + 1, nullptr}).second;
  if (!is_new) return fail(EBUSY);
  return ++last_use_;
}

void LibaioRegistry::set_request(const sluice_iocb* block, std::uint64_t use,
                                 std::shared_ptr<AioRequest> request) {
  const MutexLock lock(mutex_);
  const auto found = uses_.find(block);
  if (found != uses_.end() && found->second.number == use) found->second.request = std::move(request);
}

void LibaioRegistry::release(const sluice_iocb* block) {
  const MutexLock lock(mutex_);
  uses_.erase(block);
}

void LibaioRegistry::release(std::span<const sluice_io_event> events) {
  if (events.empty()) return;
  const MutexLock lock(mutex_);
  for (const sluice_io_event& event : events) uses_.erase(event.obj);
}

// ---- Cancelling ----

Result<LibaioRegistry::Use> LibaioRegistry::begin_cancel(const sluice_iocb* block,
                                                         const LibaioContext& context) {
  const MutexLock lock(mutex_);
  const auto found = uses_.find(block);
  if (found == uses_.end() || found->second.context != &context) return fail(EINVAL);
  if (!found->second.request) return fail(EAGAIN);
  ++found->second.cancelling;
  return found->second;
}

void LibaioRegistry::end_cancel(const sluice_iocb* block, std::uint64_t use) {
  const MutexLock lock(mutex_);
  const auto found = uses_.find(block);
  if (found != uses_.end() && found->second.number == use) --found->second.cancelling;
}

bool LibaioRegistry::is_being_cancelled(const sluice_iocb* block) {
  const MutexLock lock(mutex_);
  const auto found = uses_.find(block);
  return found != uses_.end() && found->second.cancelling > 0;
}

// ---- fork(2) ----

// Locked by one handler and unlocked by another, which the analysis cannot follow.
void LibaioRegistry::before_fork() SLUICE_TSA(no_thread_safety_analysis) {
  mutex_.lock();
}

void LibaioRegistry::after_fork_in_parent() SLUICE_TSA(no_thread_safety_analysis) {
  mutex_.unlock();
}

void LibaioRegistry::after_fork_in_child() SLUICE_TSA(no_thread_safety_analysis) {
  last_inherited_ = last_name_;
  uses_.clear();
  mutex_.unlock();
}

}  // namespace sluice
