#include <cerrno>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "aio/deadline_after.h"
#include "aio/libaio_context.h"
#include "aio/libaio_registry.h"
#include "aio/process_aio.h"
#include "aio/readable.h"
#include "sluice/aio_libaio.h"

// The entry points of sluice/aio_libaio.h.

namespace sluice {
namespace {

using ContextPtr = std::shared_ptr<LibaioContext>;

LibaioRegistry& registry() {
  return LibaioRegistry::instance();
}

/// What a call returns: 0, or the errno negated.
int code_of(Errno error) {
  return -error.value();
}
int code_of(const Result<void>& result) {
  return result ? 0 : code_of(result.error());
}

Result<ContextPtr> make_context(int max_events) {
  if (max_events <= 0) return fail(EINVAL);
  if (static_cast<std::size_t>(max_events) > process_aio_options().max_requests) return fail(EAGAIN);
  const Result<AioContext*> aio = process_aio();
  if (!aio) return fail(aio.error());
  return std::make_shared<LibaioContext>(**aio, static_cast<std::size_t>(max_events));
}

Result<FutexWord::Deadline> read_deadline(const timespec* timeout) {
  if (timeout != nullptr && !is_readable(timeout, sizeof *timeout)) return fail(EFAULT);
  return deadline_after(timeout);
}

Result<void> submit_one(LibaioContext& context, sluice_iocb** slot) {
  if (!is_readable(slot, sizeof *slot) || !is_readable(*slot, sizeof **slot)) return fail(EFAULT);
  return context.submit(*slot);
}

}  // namespace
}  // namespace sluice

using namespace sluice;

int sluice_io_setup(int maxevents, sluice_io_context_t* context) {
  if (!is_readable(context, sizeof *context)) return -EFAULT;
  if (*context != nullptr) return -EINVAL;
  Result<ContextPtr> made = make_context(maxevents);
  if (!made) return code_of(made.error());
  *context = registry().add(std::move(*made));
  return 0;
}

int sluice_io_destroy(sluice_io_context_t context) {
  const ContextPtr found = registry().remove(context);
  if (!found) return -EINVAL;
  found->close();
  return 0;
}

int sluice_io_submit(sluice_io_context_t context, long count, sluice_iocb* blocks[]) {
  const ContextPtr found = registry().find(context);
  if (!found || count < 0) return -EINVAL;
  int queued = 0;  // Stays below the limit of the context, which is an int.
  while (queued < count) {
    const Result<void> next = submit_one(*found, blocks + queued);
    if (!next) return queued > 0 ? queued : code_of(next.error());
    ++queued;
  }
  return queued;
}

int sluice_io_fsync(sluice_io_context_t context, sluice_iocb* block, sluice_io_callback_t callback, int fd) {
  const ContextPtr found = registry().find(context);
  if (!found) return -EINVAL;
  if (!is_readable(block, sizeof *block)) return -EFAULT;
  sluice_iocb content;
  sluice_io_prep_fsync(&content, fd);
  sluice_io_set_callback(&content, callback);
  return code_of(found->submit_as(block, content));
}

int sluice_io_cancel(sluice_io_context_t context, sluice_iocb* block, sluice_io_event* result) {
  const ContextPtr found = registry().find(context);
  if (!found) return -EINVAL;
  if (!is_readable(result, sizeof *result)) return -EFAULT;
  const Result<sluice_io_event> cancelled = found->cancel(block);
  if (!cancelled) return code_of(cancelled.error());
  *result = *cancelled;
  return 0;
}

int sluice_io_getevents(sluice_io_context_t context, long min, long max, sluice_io_event* events,
                        const timespec* timeout) {
  const ContextPtr found = registry().find(context);
  if (!found || min < 0 || min > max) return -EINVAL;
  const Result<FutexWord::Deadline> deadline = read_deadline(timeout);
  if (!deadline) return code_of(deadline.error());
  if (max > 0 && !is_readable(events, sizeof *events)) return -EFAULT;
  const std::span<sluice_io_event> room(events, static_cast<std::size_t>(max));
  const Result<std::size_t> collected = found->collect(static_cast<std::size_t>(min), room, *deadline);
  return collected ? static_cast<int>(*collected) : code_of(collected.error());
}

int sluice_io_queue_run(sluice_io_context_t context) {
  // Found anew each time, for a callback may destroy it, and may fork.
  ContextPtr found = registry().find(context);
  if (!found) return -EINVAL;
  while (found) {
    const std::optional<LibaioContext::Event> next = found->collect_called();
    if (!next) break;
    found.reset();
    next->callback(context, next->event.obj, next->event.res, next->event.res2);
    found = registry().find(context);
  }
  return 0;
}

int sluice_io_queue_wait(sluice_io_context_t context, const timespec* timeout) {
  const ContextPtr found = registry().find(context);
  if (!found) return -EINVAL;
  const Result<FutexWord::Deadline> deadline = read_deadline(timeout);
  if (!deadline) return code_of(deadline.error());
  return code_of(found->wait_for_event(*deadline));
}
