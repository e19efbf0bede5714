#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "sluice/epochs.h"
#include "sluice/ids.h"
#include "sluice/mutex.h"

namespace sluice::testing {

/// A moment in the one order of all events of a test.
using Tick = std::uint64_t;

/// Gives out the moments. Thread-safe.
class TickClock {
 public:
  Tick now() { return next_.fetch_add(1) + 1; }

 private:
  std::atomic<Tick> next_{0};
};

/// What was seen of one mutation from outside of the engine.
struct SeenMutation {
  MutationClass mutation_class = MutationClass::data;
  bool emptied = false;
  Tick begin_called = 0;
  Tick begun = 0;  ///< begin() had returned: a barrier from here on covers it.
  Tick done = 0;   ///< The write was over: a sync from here on makes it durable.
  Tick ended = 0;  ///< The engine had been told.
};

/// A sync that ran, or a write-out of mapped pages that failed: the engine hears of both alike.
struct SeenSync {
  SyncKind kind = SyncKind::full;
  Tick chosen = 0;  ///< The engine had not chosen yet what it covers.
  Tick begun = 0;   ///< Just before it was submitted.
  Tick ended = 0;   ///< Just before the engine was told.
  Tick known = 0;   ///< The engine had acted on it.
  int error = 0;
  bool write_out = false;
};

/// A request that was answered.
struct SeenBarrier {
  SyncKind kind = SyncKind::full;
  Acknowledge acknowledge = Acknowledge::when_durable;
  Tick submitted = 0;  ///< Just before submit().
  Tick answered = 0;   ///< Within the callback.
  int error = 0;
};

/// What happened to one file, from its creation (which was done before the first tick), and the judge of it,
/// who knows nothing of epochs, marks or spans. Thread-safe.
class History {
 public:
  /// `forgettable`: the engine may come to know nothing of the file, whatever was durable. Then a sync that
  /// fails can always have lost something.
  explicit History(bool forgettable = false) : forgettable_(forgettable) {}

  void add(const SeenMutation& mutation);
  void add(const SeenSync& sync);
  void add(const SeenBarrier& barrier);

  /// What was told falsely, or an empty text. A lie is
  /// - success, when a part of the cover has not been synced by a sync of a sufficient kind that began after
  ///   the write and ended before the answer;
  /// - success, when a part of the cover is lost: the first sync that began after the write has failed, and
  ///   no truncation to nothing has come since;
  /// - success when queued, when a part of the cover was known to be lost, or was never synced thereafter;
  /// - an error that no sync has returned, or one that cannot have lost anything of the cover;
  /// and two syncs at a time.
  ///
  /// Call it when the engine has stopped. It takes as long as events squared: good for some thousands.
  [[nodiscard]] std::string first_lie() const;

  [[nodiscard]] std::size_t successes() const;
  [[nodiscard]] std::size_t errors() const;

 private:
  const bool forgettable_;
  mutable Mutex mutex_;
  std::vector<SeenMutation> mutations_ SLUICE_GUARDED_BY(mutex_){SeenMutation{}};  // The creation.
  std::vector<SeenSync> syncs_ SLUICE_GUARDED_BY(mutex_);
  std::vector<SeenBarrier> barriers_ SLUICE_GUARDED_BY(mutex_);
};

}  // namespace sluice::testing
