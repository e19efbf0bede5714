#pragma once

#include "sluice/result.h"

namespace sluicefs {

/// Makes everything that was written to the file system of `directory` (not O_PATH, opened before the writes)
/// durable: syncfs(2), which reports every write-back error since the last one, and then a write of our own
/// with an fsync, because syncfs may leave out the device flush when there is nothing in the journal (XFS).
sluice::Result<void> sync_file_system(int directory);

}  // namespace sluicefs
