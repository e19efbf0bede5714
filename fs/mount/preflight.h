#pragma once

#include <string>
#include <tl/expected.hpp>

#include "mount/options.h"
#include "process/exit_code.h"
#include "process/log.h"
#include "sluice/unique_fd.h"

namespace sluicefs {

/// The name in the root of every mount that is the daemon's own.
inline constexpr const char* kControlName = ".sluicefs";

/// Finds out, before anything is mounted, whether it can be, and says it in words: libfuse and the kernel
/// have a number at best. Takes a mount away that a crash has left on the mount point. Makes both paths of
/// `options` absolute and returns the open source.
tl::expected<sluice::UniqueFd, MountError> preflight(Options& options, Log& log);

// Its parts, in the order in which it goes.

/// The absolute path of a directory to mount on.
tl::expected<std::string, MountError> check_mountpoint(const std::string& mountpoint, Log& log);
tl::expected<sluice::UniqueFd, MountError> open_source(const std::string& source);
/// Access through the mount must not lead to the mount again.
tl::expected<void, MountError> check_apart(const sluice::UniqueFd& source, const std::string& mountpoint);
/// May this user, on this machine, mount by FUSE?
tl::expected<void, MountError> check_fuse(const Options& options, const std::string& fuse_conf);

}  // namespace sluicefs
