#pragma once

#include <sys/stat.h>

#include <chrono>
#include <optional>
#include <thread>

#include "ops/core.h"
#include "sluice/mutex.h"

namespace sluicefs {

/// For CachedData::found(), of which attributes that are asked for next are then told.
CachedData::Look look_at(const Node& node);

/// A reader has found the inode like this and is about to answer so: what the kernel has cached of its data
/// must not be older. Does nothing to what nobody has open, for the next open sees to that. Without a `look`
/// our own changes may have come in between.
void drop_what_is_older(Core& core, const Node& node, const struct stat& attributes,
                        const std::optional<CachedData::Look>& look);

/// Counts the node as opened, by whoever closes it with CachedData::closed(). `fd` is any descriptor of it,
/// by which the source is asked before; what the kernel has cached is dropped if it is old. EAGAIN: to wait
/// for somebody else's drop, more readers than there can be would have to wait.
sluice::Result<void> open_cached_data(Core& core, const Node& node, int fd, bool for_writing);

/// Looks after files that are open and whose attributes nobody asks for: what others have done to them in the
/// source is seen by who has mapped them or reads them, within the time that attributes may be kept,
/// but not more often than every 100 ms.
class Revalidator {
 public:
  /// On a thread of its own, until this object goes. REQUIRES: core.session is there, and outlives it.
  explicit Revalidator(Core& core);
  ~Revalidator();
  Revalidator(const Revalidator&) = delete;
  Revalidator& operator=(const Revalidator&) = delete;

 private:
  void run();
  /// False when it is time to end.
  bool wait(std::chrono::steady_clock::time_point until) SLUICE_EXCLUDES(mutex_);

  Core& core_;
  sluice::Mutex mutex_;
  sluice::CondVar changed_;
  bool ended_ SLUICE_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace sluicefs
