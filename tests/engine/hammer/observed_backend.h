#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <memory>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "history.h"
#include "sluice/io_backend.h"
#include "sluice/mutex.h"

namespace sluice::testing {

/// The histories of a test's files, by inode. Constant while the engine runs.
using Histories = std::map<ino_t, History>;

/// Writes down every sync on its way to another backend and back. A sync that never ran is not written down,
/// for it has done nothing. Transfers pass unseen.
class ObservedBackend final : public IoBackend {
 public:
  /// How a sync shall seem to have ended, to the engine and in the history, given how it did end.
  using Meddler = std::function<IoCompletion(IoCompletion)>;

  /// `clock` and `histories` outlive it. An empty `meddler` changes nothing.
  ObservedBackend(std::unique_ptr<IoBackend> backend, TickClock& clock, Histories& histories,
                  Meddler meddler);
  ~ObservedBackend() override;
  ObservedBackend(const ObservedBackend&) = delete;
  ObservedBackend& operator=(const ObservedBackend&) = delete;

  void submit_sync(IoToken token, int fd, SyncKind kind) override;
  IoCompletion sync(int fd, SyncKind kind) override;
  void submit_transfer(IoToken token, const Transfer& transfer) override;
  void wait(std::vector<IoCompletion>& completions) override;
  void wake() override { backend_->wake(); }
  [[nodiscard]] Result<Fingerprint> fingerprint(int fd) const override { return backend_->fingerprint(fd); }
  [[nodiscard]] Result<off_t> size(int fd) const override { return backend_->size(fd); }
  [[nodiscard]] timespec wall_clock() const override { return backend_->wall_clock(); }
  [[nodiscard]] bool stamps_by_wall_clock(int fd) const override {
    return backend_->stamps_by_wall_clock(fd);
  }
  [[nodiscard]] unsigned max_in_flight() const override { return backend_->max_in_flight(); }
  [[nodiscard]] std::string_view name() const override { return backend_->name(); }

  /// The calling thread is about to submit an order that it may sync itself.
  void about_to_submit() SLUICE_EXCLUDES(mutex_);

 private:
  struct Running {
    History* history;
    SeenSync seen;
  };

  Running begin(int fd, SyncKind kind, Tick chosen);
  static void end(Running& running, const IoCompletion& completion, Tick now);
  IoCompletion meddled(const IoCompletion& completion) SLUICE_EXCLUDES(mutex_);
  /// The engine has acted on all that it was told.
  void write_down_known();
  /// The engine lets no sync() begin while another is under way or has not been acted on.
  void write_down_known_here() SLUICE_REQUIRES(mutex_);

  const std::unique_ptr<IoBackend> backend_;
  TickClock& clock_;
  Histories& histories_;

  // Owned by the engine's thread.
  std::unordered_map<std::uint64_t, Running> running_;
  std::unordered_set<std::uint64_t> transfers_;
  std::vector<Running> told_;
  Tick last_return_ = 0;  ///< When the engine's thread last came back from here.

  Mutex mutex_;
  Meddler meddler_ SLUICE_GUARDED_BY(mutex_);
  std::map<std::thread::id, Tick> submitting_ SLUICE_GUARDED_BY(mutex_);
  std::vector<Running> told_here_ SLUICE_GUARDED_BY(mutex_);
};

}  // namespace sluice::testing
