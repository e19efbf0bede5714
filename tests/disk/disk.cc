#include "disk.h"

#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "whole_io.h"

namespace sluice::testing {
namespace {

void add(std::atomic<std::uint64_t>& counter, std::uint64_t amount = 1) {
  counter.fetch_add(amount, std::memory_order_acq_rel);
}

bool overlap(ByteRange a, ByteRange b) {
  return a.offset_bytes < b.offset_bytes ? b.offset_bytes - a.offset_bytes < a.length_bytes
                                         : a.offset_bytes - b.offset_bytes < b.length_bytes;
}

}  // namespace

Disk::Disk(UniqueFd image, std::optional<LogWriter> log, CounterFile counters)
    : image_(std::move(image)), counters_(std::move(counters)), log_(std::move(log)) {}

Result<void> Disk::read(std::uint64_t offset_bytes, std::span<std::byte> data) {
  {
    const MutexLock lock(mutex_);
    if (fails({offset_bytes, data.size()}, FaultOn::reads)) return fail(EIO);
  }
  add(counters_.writable().reads);
  add(counters_.writable().read_bytes, data.size());
  return read_whole(image_.get(), data, offset_bytes);
}

Result<void> Disk::write(std::uint64_t offset_bytes, std::span<const std::byte> data) {
  const MutexLock lock(mutex_);
  if (fails({offset_bytes, data.size()}, FaultOn::writes)) return fail(EIO);
  const Result<void> written = write_whole(image_.get(), data, offset_bytes);
  if (!written) return written;
  add(counters_.writable().writes);
  add(counters_.writable().write_bytes, data.size());
  return log_change({offset_bytes, data.size()}, data);
}

Result<void> Disk::discard(ByteRange range) {
  const MutexLock lock(mutex_);
  if (fails(range, FaultOn::writes)) return fail(EIO);
  if (::fallocate(image_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                  static_cast<off_t>(range.offset_bytes), static_cast<off_t>(range.length_bytes)) != 0) {
    return fail_last();
  }
  add(counters_.writable().discards);
  return log_change(range, {});
}

void Disk::begin_flush() {
  const MutexLock lock(mutex_);
  add(counters_.writable().flushes);
  flushing_ = true;
}

Result<void> Disk::finish_flush() {
  const MutexLock lock(mutex_);
  if (ignoring_) {
    add(counters_.writable().ignored_flushes);
    return end_flush({});
  }
  wait_for_delay_and_gate();
  if (flush_fails()) {
    add(counters_.writable().failed_flushes);
    return end_flush(fail(EIO));
  }
  return end_flush(log_ ? log_->append_flush() : Result<void>());
}

// The gate comes last, so that a flush that is being delayed is held too.
void Disk::wait_for_delay_and_gate() {
  const auto end = std::chrono::steady_clock::now() + flush_delay_;
  while (!stopping_ && std::chrono::steady_clock::now() < end) (void)changed_.wait_until(mutex_, end);
  if (!holding_) return;
  add(counters_.writable().held_flushes);
  while (holding_ && !stopping_) changed_.wait(mutex_);
  counters_.writable().held_flushes.fetch_sub(1, std::memory_order_acq_rel);
}

Result<void> Disk::end_flush(Result<void> outcome) {
  flushing_ = false;
  for (const Change& late : std::exchange(logged_after_flush_, {})) {
    const Result<void> logged = log_change(late.range, late.data);
    if (outcome && !logged) outcome = logged;
  }
  publish_position();
  return outcome;
}

Result<void> Disk::log_change(ByteRange range, std::span<const std::byte> data) {
  if (!log_) return {};
  if (flushing_) {
    logged_after_flush_.push_back({range, {data.begin(), data.end()}});
    return {};
  }
  const Result<void> logged = data.empty() ? log_->append_discard(range.offset_bytes, range.length_bytes)
                                           : log_->append_write(range.offset_bytes, data);
  publish_position();
  return logged;
}

void Disk::publish_position() {
  if (log_) counters_.writable().log_position.store(log_->position(), std::memory_order_release);
}

bool Disk::fails(ByteRange range, FaultOn what) const {
  return std::ranges::any_of(faults_, [&](const Fault& fault) {
    return (fault.what == what || fault.what == FaultOn::both) && overlap(fault.range, range);
  });
}

bool Disk::flush_fails() {
  if (flushes_to_skip_ > 0) {
    --flushes_to_skip_;
    return false;
  }
  if (flushes_to_fail_ == 0) return false;
  --flushes_to_fail_;
  return true;
}

void Disk::set_flush_delay(std::chrono::microseconds delay) {
  const MutexLock lock(mutex_);
  flush_delay_ = delay;
}

void Disk::hold_flushes() {
  const MutexLock lock(mutex_);
  holding_ = true;
}

void Disk::release_flushes() {
  const MutexLock lock(mutex_);
  holding_ = false;
  changed_.notify_all();
}

void Disk::fail_range(ByteRange range, FaultOn what) {
  const MutexLock lock(mutex_);
  faults_.push_back({range, what});
}

void Disk::fail_flushes(std::uint64_t skip, std::uint64_t count) {
  const MutexLock lock(mutex_);
  flushes_to_skip_ = skip;
  flushes_to_fail_ = count;
}

void Disk::clear_faults() {
  const MutexLock lock(mutex_);
  faults_.clear();
  flushes_to_skip_ = 0;
  flushes_to_fail_ = 0;
}

void Disk::ignore_flushes(bool ignore) {
  const MutexLock lock(mutex_);
  ignoring_ = ignore;
}

Result<std::uint64_t> Disk::mark(std::string_view text) {
  const MutexLock lock(mutex_);
  if (!log_) return fail(ENODATA);
  const Result<void> logged = log_->append_mark(text);
  if (!logged) return fail(logged.error());
  publish_position();
  return log_->position();
}

void Disk::stop_waiting() {
  const MutexLock lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
}

}  // namespace sluice::testing
