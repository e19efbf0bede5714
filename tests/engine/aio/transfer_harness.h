#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "aio/transfer_queue.h"
#include "fake_backend.h"
#include "sluice/mutex.h"
#include "temp_files.h"

namespace sluice::testing {

/// What the callbacks of transfers were told, in order of arrival. Outlives the callbacks it has made.
/// Thread-safe.
class TransferResults {
 public:
  /// A callback that reports here, and then calls `then`.
  [[nodiscard]] std::unique_ptr<TransferCallback> callback(std::function<void()> then = nullptr);
  /// Bytes, or an error number negated.
  [[nodiscard]] std::vector<long> so_far() const;
  /// False when `count` have not come in FakeBackend::kPatience.
  [[nodiscard]] bool wait_for(std::size_t count) const;

 private:
  class Callback;
  void add(Result<std::size_t> result);

  mutable Mutex mutex_;
  mutable CondVar changed_;
  std::vector<long> results_ SLUICE_GUARDED_BY(mutex_);
};

/// A write of `bytes`, which outlives it, to one of the files.
TransferOrder write_order(const TempFiles& files, std::string& bytes, off_t offset, std::size_t file = 0);
TransferOrder read_order(const TempFiles& files, std::string& bytes, off_t offset, std::size_t file = 0);

/// A queue on a fake backend. Each transfer is a write of one byte, known by its offset.
class FakeQueue {
 public:
  explicit FakeQueue(unsigned max_in_flight, std::size_t files = 1);

  [[nodiscard]] TransferQueue& queue() { return *queue_; }
  [[nodiscard]] FakeBackend& backend() { return *backend_; }
  [[nodiscard]] const TransferResults& results() const { return results_; }
  [[nodiscard]] TransferResults& results() { return results_; }
  [[nodiscard]] const TempFiles& files() const { return files_; }

  [[nodiscard]] TransferOrder order(off_t offset, Priority priority = {}, std::size_t file = 0);
  [[nodiscard]] TransferOrder in_turn(off_t offset, std::size_t file = 0);
  /// Submits an order that must not be refused; its callback reports to results(), if it has none.
  TransferId submit(TransferOrder order);
  /// The offsets of what has reached the backend, in order, when nothing more can.
  [[nodiscard]] std::vector<off_t> started();
  /// Ends the transfer of that offset, which runs. The result is its offset.
  void end(off_t offset);
  /// Ends one after another, the oldest first, until none runs; then what started(), in order.
  std::vector<off_t> end_all();

 private:
  TempFiles files_;
  TransferResults results_;
  std::string byte_ = "x";
  FakeBackend* backend_;
  std::unique_ptr<TransferQueue> queue_;
};

}  // namespace sluice::testing
