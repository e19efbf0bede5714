#include "mount/passthrough_check.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

#include <algorithm>

#include <fmt/format.h>

#include "process/credentials.h"
#include "source/backing.h"
#include "wire/backing_file.h"

namespace sluicefs {

using sluice::Errno;
using sluice::Result;
using sluice::UniqueFd;

namespace {

std::string kernel_release() {
  utsname name{};
  ::uname(&name);
  return name.release;
}

bool is_stacked(int source) {
  constexpr long kEcryptfsMagic = 0xF15F;
  struct statfs found {};
  if (::fstatfs(source, &found) != 0) return false;
  return found.f_type == OVERLAYFS_SUPER_MAGIC || found.f_type == kEcryptfsMagic;
}

/// Reading a file in passthrough changes its access time as the source's own mount has it.
bool would_change_access_times(const Options& options, int source) {
  const bool keeps = std::ranges::find(options.mount_flags, "noatime") != options.mount_flags.end();
  return keeps && (backing::mount_flags(source) & ST_NOATIME) == 0;
}

/// Makes the kernel take a file of the source.
Result<void> try_file(const Options& options, const Session& session, int source) {
  const Errno stacked(ELOOP);
  const Result<UniqueFd> file =
      options.read_only ? sluice::fail(EROFS) : backing::open_at(source, ".", O_RDWR | O_TMPFILE, 0600);
  if (!file) return is_stacked(source) ? Result<void>(sluice::fail(stacked)) : Result<void>();
  const PassthroughScope as_nobody(file->get());
  const auto taken = BackingFile::make(session, file->get());
  return taken ? Result<void>() : Result<void>(sluice::fail(taken.error()));
}

}  // namespace

std::optional<std::string> why_no_passthrough(const Options& options, const Session& session,
                                              const InitFacts& facts, int source) {
  if (!facts.passthrough) {
    return fmt::format(
        "kernel {} has no FUSE passthrough; that takes Linux 6.9 or later, built with "
        "CONFIG_FUSE_PASSTHROUGH",
        kernel_release());
  }
  if (would_change_access_times(options, source))
    return "noatime holds in passthrough only where SOURCE itself is mounted with noatime";
  const Result<void> tried = try_file(options, session, source);
  if (tried) return std::nullopt;
  if (tried.error() == Errno(ELOOP)) {
    return fmt::format(
        "SOURCE {} is on a file system that is stacked on another (overlayfs, or a FUSE file "
        "system with passthrough of its own); use what is below it as SOURCE",
        options.source);
  }
  if (tried.error() == Errno(EPERM))
    return "passthrough takes CAP_SYS_ADMIN outside of any user namespace; start sluicefs there";
  return fmt::format("the kernel does not pass files of SOURCE {} through: {}", options.source,
                     tried.error().message());
}

}  // namespace sluicefs
