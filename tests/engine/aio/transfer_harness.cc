#include "transfer_harness.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "sluice/check.h"

namespace sluice::testing {

class TransferResults::Callback final : public TransferCallback {
 public:
  Callback(TransferResults& results, std::function<void()> then)
      : results_(results), then_(std::move(then)) {}

  void transfer_done(Result<std::size_t> result) noexcept override {
    results_.add(result);
    if (then_) then_();
  }

 private:
  TransferResults& results_;
  const std::function<void()> then_;
};

std::unique_ptr<TransferCallback> TransferResults::callback(std::function<void()> then) {
  return std::make_unique<Callback>(*this, std::move(then));
}

std::vector<long> TransferResults::so_far() const {
  const MutexLock lock(mutex_);
  return results_;
}

bool TransferResults::wait_for(std::size_t count) const {
  const auto until = std::chrono::steady_clock::now() + FakeBackend::kPatience;
  const MutexLock lock(mutex_);
  while (results_.size() < count) {
    if (!changed_.wait_until(mutex_, until)) return results_.size() >= count;
  }
  return true;
}

void TransferResults::add(Result<std::size_t> result) {
  const MutexLock lock(mutex_);
  results_.push_back(result ? static_cast<long>(*result) : -long{result.error().value()});
  changed_.notify_all();
}

namespace {

TransferOrder order_of(TransferKind kind, const TempFiles& files, std::string& bytes, off_t offset,
                       std::size_t file) {
  TransferOrder order;
  order.transfer = {kind, files.fd(file), bytes.data(), bytes.size(), offset};
  order.descriptor = files.descriptor(file);
  order.file = files.key(file);
  return order;
}

}  // namespace

TransferOrder write_order(const TempFiles& files, std::string& bytes, off_t offset, std::size_t file) {
  return order_of(TransferKind::write, files, bytes, offset, file);
}

TransferOrder read_order(const TempFiles& files, std::string& bytes, off_t offset, std::size_t file) {
  return order_of(TransferKind::read, files, bytes, offset, file);
}

FakeQueue::FakeQueue(unsigned max_in_flight, std::size_t files)
    : files_(files),
      backend_(new FakeBackend(max_in_flight)),
      queue_(std::make_unique<TransferQueue>(std::unique_ptr<IoBackend>(backend_))) {}

TransferOrder FakeQueue::order(off_t offset, Priority priority, std::size_t file) {
  TransferOrder order = write_order(files_, byte_, offset, file);
  order.priority = priority;
  return order;
}

TransferOrder FakeQueue::in_turn(off_t offset, std::size_t file) {
  TransferOrder made = order(offset, {}, file);
  made.in_turn = true;
  return made;
}

TransferId FakeQueue::submit(TransferOrder order) {
  if (!order.callback) order.callback = results_.callback();
  const Result<TransferId> id = queue_->submit(std::move(order));
  SLUICE_CHECK(id.has_value());
  return *id;
}

std::vector<off_t> FakeQueue::started() {
  SLUICE_CHECK(backend_->wait_until_idle());
  std::vector<off_t> offsets;
  for (const SubmittedTransfer& submitted : backend_->submitted_transfers())
    offsets.push_back(submitted.transfer.offset);
  return offsets;
}

void FakeQueue::end(off_t offset) {
  const std::vector<SubmittedTransfer> running = backend_->transfers_in_flight();
  const auto found = std::find_if(running.begin(), running.end(), [&](const SubmittedTransfer& submitted) {
    return submitted.transfer.offset == offset;
  });
  SLUICE_CHECK(found != running.end());
  backend_->end_transfer(found->token, TransferAnswer::success(static_cast<std::size_t>(offset)));
}

std::vector<off_t> FakeQueue::end_all() {
  std::vector<off_t> offsets = started();
  while (backend_->end_oldest_transfer(TransferAnswer::success(1))) offsets = started();
  return offsets;
}

}  // namespace sluice::testing
