#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

#include "fake_backend.h"
#include "sluice/mutex.h"
#include "sluice/sync_engine.h"
#include "temp_files.h"

namespace sluice::testing {

/// The error number of a result; 0 for success.
inline int error_of(const Result<void>& result) {
  return result ? 0 : result.error().value();
}

/// Collects what callbacks are told. Outlives the callbacks it has made. Thread-safe.
class Answers {
 public:
  /// A callback that reports here.
  [[nodiscard]] std::unique_ptr<SyncCallback> callback();
  /// Error numbers, 0 for success, in order of arrival.
  [[nodiscard]] std::vector<int> so_far() const;
  /// False when `count` answers have not come in FakeBackend::kPatience.
  [[nodiscard]] bool wait_for(std::size_t count) const;

 private:
  class Callback;
  void add(const Result<void>& result);

  mutable Mutex mutex_;
  mutable CondVar changed_;
  std::vector<int> errors_ SLUICE_GUARDED_BY(mutex_);
};

/// An engine, its backend, and files to sync.
class EngineHarness {
 public:
  explicit EngineHarness(std::unique_ptr<IoBackend> backend, std::size_t files = 1,
                         EngineOptions options = {});

  [[nodiscard]] SyncEngine& engine() { return *engine_; }
  [[nodiscard]] TempFiles& files() { return files_; }
  /// Destroys the engine and its backend.
  void end_engine() { engine_.reset(); }
  [[nodiscard]] bool has_engine() const { return engine_ != nullptr; }

  /// An order for a sync of the file, refused when the queue is full.
  [[nodiscard]] SyncOrder order(SyncKind kind = SyncKind::full, std::size_t file = 0) const;
  /// Submits an order that must not be refused.
  std::shared_ptr<SyncRequest> submit(SyncKind kind = SyncKind::full, std::size_t file = 0);
  std::shared_ptr<SyncRequest> submit(SyncOrder order);
  /// Begins a mutation of the file; it ends with the returned object.
  [[nodiscard]] OngoingMutation begin(MutationClass mutation_class = MutationClass::data,
                                      std::size_t file = 0);
  /// A mutation that begins and ends.
  void mutate(MutationClass mutation_class = MutationClass::data, std::size_t file = 0);
  /// A truncation to nothing.
  void empty(std::size_t file = 0);

  /// Submits and waits. The error number, 0 for success, ETIMEDOUT when no answer came.
  int sync(SyncKind kind = SyncKind::full, std::size_t file = 0);

 private:
  TempFiles files_;
  std::unique_ptr<SyncEngine> engine_;
};

/// The error number of the answer, 0 for success; ETIMEDOUT when none came in FakeBackend::kPatience.
int answer_of(const SyncRequest& request);

/// The same on a fake backend, whose syncs are held until the test ends them.
class FakeHarness : public EngineHarness {
 public:
  explicit FakeHarness(std::size_t files = 1, EngineOptions options = {}, unsigned max_in_flight = 64);
  /// Ends what is in flight, so that the engine can stop.
  ~FakeHarness();
  FakeHarness(const FakeHarness&) = delete;
  FakeHarness& operator=(const FakeHarness&) = delete;

  /// Belongs to the engine.
  [[nodiscard]] FakeBackend& backend() { return *backend_; }
  /// Every sync from now on is answered so when it is submitted, and those in flight are.
  void answer_all(SyncAnswer answer);
  /// Syncs from now on are held again.
  void hold_all() { backend_->answer_by({}); }
  /// Makes all of the file durable. REQUIRES: no sync is in flight. Syncs are held afterwards.
  void make_clean(std::size_t file = 0);
  /// How many syncs have been submitted, once the engine has nothing left to do.
  std::size_t syncs_when_idle();
  /// The files of all submitted syncs, in order, by their index.
  [[nodiscard]] std::vector<std::size_t> submitted_files();

 private:
  FakeHarness(FakeBackend* backend, std::size_t files, EngineOptions options);

  FakeBackend* const backend_;
};

}  // namespace sluice::testing
