#include "source/file_system_sync.h"

#include <fcntl.h>
#include <unistd.h>

#include "sluice/unique_fd.h"

namespace sluicefs {

using sluice::fail_last;
using sluice::Result;
using sluice::UniqueFd;

namespace {

/// A read-only or full file system, or one without O_TMPFILE: syncfs alone must do, and there is nothing to
/// report.
Result<void> flush_device(int directory) {
  const UniqueFd file(::openat(directory, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
  if (!file.valid()) return {};
  constexpr char kByte = 0;
  if (::write(file.get(), &kByte, 1) != 1) return {};
  if (::fsync(file.get()) != 0) return fail_last();
  return {};
}

}  // namespace

Result<void> sync_file_system(int directory) {
  if (::syncfs(directory) != 0) return fail_last();
  return flush_device(directory);
}

}  // namespace sluicefs
