#include <memory>
#include <utility>

#include "descriptor_cache.h"
#include "early_syncs.h"
#include "epoch_table.h"
#include "sluice/check.h"
#include "sluice/sync_engine.h"

namespace sluice {

namespace {

/// Counts the answers of a drain's syncs until all have come.
class DrainProgress {
 public:
  void expect_one() {
    const MutexLock lock(mutex_);
    ++outstanding_;
  }
  void done(const Result<void>& result) {
    if (!result) failed(result.error());
    const MutexLock lock(mutex_);
    if (result) ++report_.synced;
    if (--outstanding_ == 0) all_done_.notify_all();
  }
  void failed(Errno error) {
    const MutexLock lock(mutex_);
    ++report_.failed;
    if (!report_.error) report_.error = error;
  }
  DrainReport wait() {
    const MutexLock lock(mutex_);
    while (outstanding_ > 0) all_done_.wait(mutex_);
    return report_;
  }

 private:
  Mutex mutex_;
  CondVar all_done_;
  std::size_t outstanding_ SLUICE_GUARDED_BY(mutex_) = 0;
  DrainReport report_ SLUICE_GUARDED_BY(mutex_);
};

class DrainCallback : public SyncCallback {
 public:
  explicit DrainCallback(std::shared_ptr<DrainProgress> progress) : progress_(std::move(progress)) {}
  void sync_done(Result<void> result) noexcept override { progress_->done(result); }

 private:
  std::shared_ptr<DrainProgress> progress_;
};

}  // namespace

DrainReport SyncEngine::drain() {
  SLUICE_CHECK(!on_own_thread());
  const EarlySyncs::Pause pause(*early_);
  const auto progress = std::make_shared<DrainProgress>();
  std::size_t unreachable = 0;
  if (const std::optional<Errno> of_all = failure()) progress->failed(*of_all);
  for (DirtyInode& inode : table_->dirty()) {
    if (inode.lost) {
      progress->failed(*inode.lost);
      continue;
    }
    SharedFd descriptor = descriptors_->find(inode.file);
    if (!descriptor) descriptor = std::move(inode.descriptor);
    if (!descriptor) {
      ++unreachable;
      continue;
    }
    progress->expect_one();
    SyncOrder order;
    order.file = inode.file;
    order.when_full = WhenFull::wait;
    order.descriptor = std::move(descriptor);
    order.callback = std::make_unique<DrainCallback>(progress);
    if (const Result<void> queued = submit_detached(std::move(order)); !queued) progress->done(queued);
  }
  DrainReport report = progress->wait();
  report.unreachable = unreachable;
  return report;
}

}  // namespace sluice
