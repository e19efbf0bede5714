#include "aio/libaio_context.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "aio/libaio_order.h"
#include "aio/libaio_registry.h"

namespace sluice {
namespace {

LibaioRegistry& registry() {
  return LibaioRegistry::instance();
}

/// The program knows the file by descriptor only, and "does not support it" is EINVAL here (clause F4).
Errno as_libaio_says(Errno refusal) {
  return refusal == Errno(EOPNOTSUPP) ? Errno(EINVAL) : refusal;
}

long res_of(const Result<std::size_t>& result) {
  return result ? static_cast<long>(*result) : -result.error().value();
}

}  // namespace

class LibaioContext::Callback final : public AioCallback {
 public:
  Callback(std::shared_ptr<LibaioContext> context, sluice_iocb* block)
      : context_(std::move(context)), block_(block), callback_(block->callback) {}
  void request_done(AioRequest& request) noexcept override {
    context_->finish({{request.tag(), block_, res_of(request.result()), 0}, callback_});
  }

 private:
  const std::shared_ptr<LibaioContext> context_;
  sluice_iocb* const block_;
  const sluice_io_callback_t callback_;
};

// ---- Queueing ----

Result<void> LibaioContext::submit(sluice_iocb* block, const sluice_iocb* content) {
  const Result<std::uint64_t> use = registry().claim(block, *this);
  if (!use) return fail(use.error());
  if (content != nullptr) *block = *content;
  const Result<void> queued = queue(block, *use);
  if (!queued) registry().release(block);
  return queued;
}

Result<void> LibaioContext::queue(sluice_iocb* block, std::uint64_t use) {
  Result<AioOrder> order = order_of(*block);
  if (!order) return fail(order.error());
  if (const Result<void> place = take_place(); !place) return place;
  order->callback = std::make_unique<Callback>(shared_from_this(), block);
  Result<std::shared_ptr<AioRequest>> request = aio_.submit(std::move(*order));
  if (!request) {
    give_place_back();
    return fail(as_libaio_says(request.error()));
  }
  // The block may be done, collected and gone by now.
  registry().set_request(block, use, std::move(*request));
  return {};
}

Result<void> LibaioContext::take_place() {
  const MutexLock lock(mutex_);
  if (closed_) return fail(EINVAL);
  if (running_ + done_.size() >= max_events_) return fail(EAGAIN);
  ++running_;
  return {};
}

void LibaioContext::give_place_back() {
  {
    const MutexLock lock(mutex_);
    --running_;
  }
  changed_.advance_and_wake_all();
}

// ---- The end of a request ----

void LibaioContext::finish(const Event& event) {
  sluice_iocb* const block = event.event.obj;
  // Who cancels it hands the event out.
  if (event.event.res == -ECANCELED && registry().is_being_cancelled(block)) {
    registry().release(block);
    give_place_back();
    return;
  }
  {
    const MutexLock lock(mutex_);
    --running_;
    done_.push_back(event);
  }
  changed_.advance_and_wake_all();
}

Result<sluice_io_event> LibaioContext::cancel(sluice_iocb* block) {
  const Result<LibaioRegistry::Use> use = registry().begin_cancel(block, *this);
  if (!use) return fail(use.error());
  // finish() has been called when this returns that it is cancelled.
  if (aio_.cancel(*use->request) != CancelOutcome::cancelled) {
    registry().end_cancel(block, use->number);
    return fail(EAGAIN);
  }
  return sluice_io_event{use->request->tag(), block, -ECANCELED, 0};
}

// ---- Collecting ----

Result<std::size_t> LibaioContext::collect(std::size_t min, std::span<sluice_io_event> events,
                                           Deadline deadline) {
  std::size_t collected = 0;
  for (;;) {
    const std::uint32_t seen = changed_.value();
    bool closed = false;
    std::size_t taken = 0;
    {
      const MutexLock lock(mutex_);
      closed = closed_;
      if (!closed) taken = take(events.subspan(collected));
    }
    registry().release(events.subspan(collected, taken));
    collected += taken;
    if (closed && collected == 0) return fail(EINVAL);
    if (closed || collected >= min) return collected;
    const FutexWord::Wait woken = changed_.wait(seen, deadline);
    if (woken == FutexWord::Wait::interrupted && collected == 0) return fail(EINTR);
    if (woken != FutexWord::Wait::woken) return collected;
  }
}

std::size_t LibaioContext::take(std::span<sluice_io_event> events) {
  const std::size_t count = std::min(events.size(), done_.size());
  for (sluice_io_event& event : events.first(count)) {
    event = done_.front().event;
    done_.pop_front();
  }
  return count;
}

std::optional<LibaioContext::Event> LibaioContext::collect_called() {
  std::optional<Event> found;
  {
    const MutexLock lock(mutex_);
    const auto first = std::find_if(done_.begin(), done_.end(),
                                    [](const Event& event) { return event.callback != nullptr; });
    if (closed_ || first == done_.end()) return std::nullopt;
    found = *first;
    done_.erase(first);
  }
  registry().release(found->event.obj);
  return found;
}

Result<void> LibaioContext::wait_for_event(Deadline deadline) const {
  for (;;) {
    const std::uint32_t seen = changed_.value();
    {
      const MutexLock lock(mutex_);
      if (closed_) return fail(EINVAL);
      if (!done_.empty()) return {};
    }
    const FutexWord::Wait woken = changed_.wait(seen, deadline);
    if (woken == FutexWord::Wait::timed_out) return fail(ETIMEDOUT);
    if (woken == FutexWord::Wait::interrupted) return fail(EINTR);
  }
}

void LibaioContext::close() {
  {
    const MutexLock lock(mutex_);
    closed_ = true;
  }
  changed_.advance_and_wake_all();
  std::deque<Event> forgotten;
  for (;;) {
    const std::uint32_t seen = changed_.value();
    {
      const MutexLock lock(mutex_);
      forgotten.insert(forgotten.end(), done_.begin(), done_.end());
      done_.clear();
      if (running_ == 0) break;
    }
    changed_.wait(seen);
  }
  for (const Event& event : forgotten) registry().release(event.event.obj);
}

}  // namespace sluice
