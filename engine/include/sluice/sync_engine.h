#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <unordered_map>
#include <vector>

#include "sluice/as_synced.h"
#include "sluice/engine_counters.h"
#include "sluice/io_backend.h"
#include "sluice/mutation.h"
#include "sluice/sync_request.h"

namespace sluice {

class DescriptorCache;
class EpochTable;
class SyncQueue;
struct AheadNews;
struct AnsweredBarrier;
struct EpochEntry;
class EarlySyncs;

struct EngineOptions {
  /// Requests that may wait for an answer at one time, and inodes that wait for the sync of what was
  /// acknowledged when queued. Not 0.
  std::size_t max_requests = 65536;
  /// Inodes whose epochs are remembered. One that is forgotten counts as dirty when it is met again.
  std::size_t max_inodes = 65536;
  /// Inodes a part of which is lost. With more of them the engine has failed as a whole: it remembers them no
  /// more one by one, and answers every request with the error.
  std::size_t max_failed_inodes = 65536;
  /// Descriptors kept open of inodes that have something to sync, and of those that have not.
  std::size_t max_dirty_descriptors = 4096;
  std::size_t max_clean_descriptors = 256;
  /// Every file may be written without the engine's knowledge (docs/design.md, opaque inodes): no barrier is
  /// elided, and none is served by a sync that began before it came. Otherwise statx(2) is asked before each
  /// sync, on the engine's thread: it must not wait for a server.
  bool opaque = false;
  /// Syncs that are made before anybody has asked, for callers that sync many files one after another; at
  /// most as many as this are outstanding. 0: none. Not with `opaque`, where a sync serves nobody who comes
  /// later.
  std::size_t sync_ahead_limit = 0;
};

/// What a drain did.
struct DrainReport {
  std::size_t synced = 0;
  std::size_t failed = 0;
  /// Not durable, and no descriptor to sync them by is open any more: only their file system can be synced.
  std::size_t unreachable = 0;
  /// The first error, when something failed.
  std::optional<Errno> error;
};

/// Follows the epochs of every inode, queues barriers, and answers each when exactly its cover is durable.
///
/// Thread-safe throughout. One thread of its own owns the backend; no caller waits for a device, but in
/// stop() and drain(), and in submit() whoever says that he may (SyncOrder::may_sync_here). Answers leave
/// outside every lock. Running out of memory ends the process: half of a change to these tables could
/// acknowledge what is not durable, and what is not acknowledged was not promised.
class SyncEngine {
 public:
  /// Starts the engine's thread; throws std::system_error when there can be none.
  SyncEngine(EngineOptions options, std::unique_ptr<IoBackend> backend);
  /// stop()s.
  ~SyncEngine();
  SyncEngine(const SyncEngine&) = delete;
  SyncEngine& operator=(const SyncEngine&) = delete;

  // ---- Mutations ----

  /// Gives `mutation` its epochs. Call before the system call; the mutation ends with the returned object.
  [[nodiscard]] OngoingMutation begin(Mutation mutation) noexcept;
  /// A new inode: whatever is remembered of an earlier owner of the key is of another file.
  void created(const FileKey& file) noexcept;
  /// The last name of the file is gone.
  void removed(const FileKey& file) noexcept;
  /// Writing back a page that a mapping had made dirty failed; nobody else will hear of it (docs/design.md,
  /// rule 6).
  void writeback_failed(const FileKey& file, Errno error) noexcept;
  /// Keeps `descriptor` for the syncs of this file, if the engine has none; but lets go of it at once when
  /// the file was removed. Call before the file's first write, so that no error of a write-back can pass it
  /// by (fsync(2) tells each open file once, those opened later maybe never).
  void hold_descriptor(const FileKey& file, SharedFd descriptor) noexcept;
  /// Null when the engine has none.
  [[nodiscard]] SharedFd held_descriptor(const FileKey& file) const;
  /// True when a change of the file's data has come since the engine met the file, durable or not.
  [[nodiscard]] bool saw_data_change(const FileKey& file) const noexcept;

  /// From now on the file may be written without the engine's knowledge (docs/design.md, opaque inodes): no
  /// barrier is elided, none is served by a sync that began before it came, and it is not forgotten. Call
  /// before the first such write, and leave_opaque() once for each call, when no such write can come any
  /// more.
  void set_opaque(const FileKey& file) noexcept;
  void leave_opaque(const FileKey& file) noexcept;

  // ---- Barriers ----

  /// Queues a sync. The cover is captured now: every mutation of the file that has begun.
  /// EAGAIN: max_requests are waiting and the order does not wait; ESHUTDOWN: stop() was called. On an error
  /// nothing was queued and `order` is untouched.
  Result<std::shared_ptr<SyncRequest>> submit(SyncOrder&& order) noexcept;
  /// The same, for whoever has no need to ask about the request.
  Result<void> submit_detached(SyncOrder&& order) noexcept;
  /// Forgets a request that no sync covers yet; it is answered with ECANCELED.
  CancelOutcome cancel(const SyncRequest& request) noexcept;

  // ---- Life ----

  /// Syncs every inode that is not durable and waits, also for mutations that are under way. Barriers and
  /// mutations go on meanwhile. Not from a callback.
  DrainReport drain();
  /// True when an inode that was not durable has been forgotten since the start: drain() cannot know it.
  [[nodiscard]] bool forgot_dirty_inodes() const;
  /// Refuses new requests, waits until every one has been answered and what was acknowledged when queued has
  /// been synced, also for mutations that these cover, and ends the thread. Not from a callback.
  void stop();

  /// Set for good when more than max_failed_inodes have failed.
  [[nodiscard]] std::optional<Errno> failure() const;
  /// Inodes that wait for their turn to be synced.
  [[nodiscard]] std::size_t queued_inodes() const;
  [[nodiscard]] CountersSnapshot counters() const;
  [[nodiscard]] const IoBackend& backend() const { return *backend_; }

 private:
  friend class OngoingMutation;

  struct RunningSync {
    FileKey file;
    SyncKind kind;
    SharedFd descriptor;
    std::chrono::steady_clock::time_point since;
    Epoch issued;
    /// Whether to look for changes behind us, and what was seen when it was submitted.
    bool looks;
    AsSynced as_synced;
    /// When nobody had asked for it.
    EarlySyncId early;
  };

  void fail_covers(const Mutation& mutation, Errno error);
  void end(const Mutation& mutation, MutationEffect effect);
  Result<void> enqueue(SyncOrder&& order, BarrierId id, std::shared_ptr<SyncRequest> request);
  [[nodiscard]] bool on_own_thread() const;
  Result<void> take_place(WhenFull when_full);
  void free_places(std::size_t count);
  bool changed_behind(const FileKey& file, SyncKind kind, int fallback_fd) const;
  void want_sync(const FileKey& file, Priority priority);
  void leave_queue(const FileKey& file);
  void want_early_syncs();
  void limit_failures(Errno error);
  void answer(std::vector<AnsweredBarrier>&& answered, std::size_t freed_places);

  // A sync from its beginning to its end.
  std::optional<RunningSync> begin_sync(const FileKey& file);
  std::optional<RunningSync> begin_early_sync(const FileKey& file, SharedFd descriptor, EarlySyncId id);
  RunningSync begin_sync(EpochEntry& entry, const FileKey& file, SharedFd descriptor);
  void look_at(RunningSync& sync) const;
  void finish_sync(RunningSync&& sync, const IoCompletion& completion);
  bool sync_here(const FileKey& file);
  bool take_turn(std::size_t limit);
  void end_turn();
  void mark_clean(const FileKey& file);
  static std::vector<BarrierAnswer> end_sync(EpochEntry& entry, const RunningSync& sync,
                                             const IoCompletion& completion);
  void count(const RunningSync& sync, const IoCompletion& completion, std::size_t answered);

  // On the engine's thread.
  void run();
  void start_syncs();
  bool start_sync(const FileKey& file);
  void start_early_syncs();
  void hand_over(RunningSync&& sync);
  void take_completion(const IoCompletion& completion);

  // Constant after construction.
  const EngineOptions options_;
  const std::unique_ptr<IoBackend> backend_;

  // Each synchronises itself.
  const std::unique_ptr<EpochTable> table_;
  const std::unique_ptr<DescriptorCache> descriptors_;
  const std::unique_ptr<SyncQueue> queue_;
  const std::unique_ptr<EarlySyncs> early_;
  mutable EngineCounters counters_;
  std::atomic<std::uint64_t> last_barrier_{0};
  /// False only while the engine's thread may be asleep; whoever sets it true must wake the thread.
  std::atomic<bool> awake_{true};
  /// Set by whoever has news for which early syncs should be started.
  std::atomic<bool> early_wanted_{false};
  std::atomic<std::thread::id> own_thread_{};
  /// Syncs under way, on whichever thread; at most max_in_flight() of the backend.
  std::atomic<std::size_t> under_way_{0};
  /// The error that every request gets; 0: none.
  std::atomic<int> failure_{0};

  Mutex mutex_;
  CondVar place_freed_;
  std::size_t waiting_ SLUICE_GUARDED_BY(mutex_) = 0;
  bool stopping_ SLUICE_GUARDED_BY(mutex_) = false;
  std::atomic<bool> exit_{false};

  // Owned by the engine's thread.
  std::unordered_map<std::uint64_t, RunningSync> running_;
  std::uint64_t last_token_ = 0;

  Mutex join_mutex_;  // Taken last, for joining alone.
  std::thread thread_;
};

}  // namespace sluice
