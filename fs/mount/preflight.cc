#include "mount/preflight.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "mount/fusermount.h"
#include "mount/mount_info.h"
#include "mount/source_place.h"
#include "mount/unmount.h"
#include "process/credentials.h"

namespace sluicefs {

using sluice::Errno;
using sluice::Result;
using sluice::UniqueFd;

namespace {

tl::unexpected<MountError> wrong(ExitCode code, std::string message) {
  return tl::unexpected<MountError>(MountError{code, std::move(message)});
}

/// realpath(3); it asks the file system mounted on the last component nothing, so a dead one is no obstacle.
Result<std::string> resolve(const std::string& path) {
  const std::size_t end = path.find_last_not_of('/');
  const std::string trimmed = end == std::string::npos ? path : path.substr(0, end + 1);
  const std::unique_ptr<char, decltype(&std::free)> resolved(::realpath(trimmed.c_str(), nullptr),
                                                             &std::free);
  if (!resolved) return sluice::fail_last();
  return std::string(resolved.get());
}

tl::expected<void, MountError> clear_dead_mounts(const std::string& mountpoint, Log& log) {
  const Result<std::vector<std::string>> cleared = detach_dead_mounts(mountpoint);
  if (!cleared) {
    return wrong(
        ExitCode::bad_mountpoint,
        fmt::format("MOUNTPOINT {} has a dead mount that cannot be cleared; unmount it: umount -l {}",
                    mountpoint, mountpoint));
  }
  for (const std::string& source : *cleared) {
    log.warn("cleared a dead mount of {} from {}: the sluicefs that served it has ended without unmounting",
             source, mountpoint);
  }
  return {};
}

tl::expected<void, MountError> check_not_mounted(const std::string& mountpoint) {
  const Result<std::vector<MountEntry>> mounts = read_mounts();
  const MountEntry* const top = mounts ? topmost_at(*mounts, mountpoint) : nullptr;
  if (top == nullptr || top->type != kFileSystemType) return {};
  return wrong(ExitCode::already_mounted,
               fmt::format("MOUNTPOINT {} has a sluicefs already, which serves {}; unmount that first",
                           mountpoint, top->source));
}

tl::expected<void, MountError> check_directory(const std::string& mountpoint) {
  struct stat found {};
  if (::stat(mountpoint.c_str(), &found) != 0) {
    return wrong(ExitCode::bad_mountpoint,
                 fmt::format("MOUNTPOINT {} cannot be looked at: {}", mountpoint, Errno::last().message()));
  }
  if (!S_ISDIR(found.st_mode)) {
    return wrong(ExitCode::bad_mountpoint, fmt::format("MOUNTPOINT {} is not a directory", mountpoint));
  }
  // fusermount3 lets users mount only where they may write.
  if (::access(mountpoint.c_str(), ::geteuid() == 0 ? X_OK : W_OK | X_OK) != 0) {
    return wrong(ExitCode::bad_mountpoint, fmt::format("MOUNTPOINT {} is not accessible for you: {}",
                                                       mountpoint, Errno::last().message()));
  }
  return {};
}

/// None when the file cannot be read; then fusermount3, which can, has the last word.
std::optional<bool> users_may_allow_other(const std::string& fuse_conf) {
  std::ifstream file(fuse_conf);
  if (!file) return errno == ENOENT ? std::optional<bool>(false) : std::nullopt;
  std::string line;
  while (std::getline(file, line)) {
    const std::size_t begin = line.find_first_not_of(" \t");
    const std::size_t end = line.find_last_not_of(" \t");
    if (begin != std::string::npos && line.substr(begin, end - begin + 1) == "user_allow_other") return true;
  }
  return false;
}

tl::expected<void, MountError> check_device() {
  const UniqueFd device(::open("/dev/fuse", O_RDWR | O_CLOEXEC));
  if (device.valid()) return {};
  const Errno error = Errno::last();
  if (error.value() == EACCES || error.value() == EPERM) {
    return wrong(ExitCode::no_permission,
                 "no permission to open /dev/fuse; it must be readable and writable for you");
  }
  return wrong(
      ExitCode::fuse_unavailable,
      fmt::format("cannot open /dev/fuse: {}; load the kernel module: modprobe fuse", error.message()));
}

/// What no kernel lets a user do; none: nothing of that is asked for.
std::optional<std::string> data_for_root_only(const Options& options) {
  if (options.data != DataMode::passthrough || may_mount()) return std::nullopt;
  return "'-o data=passthrough' is for root only; use data=auto or data=tracked";
}

/// What fusermount3 would drop without failing; null when there is none.
const std::string* flag_for_root_only(const std::vector<std::string>& flags) {
  const auto found = std::find_if(flags.begin(), flags.end(),
                                  [](const std::string& flag) { return flag == "dev" || flag == "suid"; });
  return found == flags.end() ? nullptr : &*found;
}

}  // namespace

tl::expected<std::string, MountError> check_mountpoint(const std::string& mountpoint, Log& log) {
  Result<std::string> path = resolve(mountpoint);
  if (!path) {
    const bool missing = path.error().value() == ENOENT;
    return wrong(ExitCode::bad_mountpoint,
                 missing
                     ? fmt::format("MOUNTPOINT {} does not exist; make the directory first", mountpoint)
                     : fmt::format("MOUNTPOINT {} cannot be used: {}", mountpoint, path.error().message()));
  }
  auto checked =
      clear_dead_mounts(*path, log).and_then([&] { return check_not_mounted(*path); }).and_then([&] {
        return check_directory(*path);
      });
  if (!checked) return tl::unexpected(std::move(checked.error()));
  return std::move(*path);
}

tl::expected<UniqueFd, MountError> open_source(const std::string& source) {
  UniqueFd fd(::open(source.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) {
    const Errno error = Errno::last();
    std::string why = fmt::format("SOURCE {} cannot be opened: {}", source, error.message());
    if (error.value() == ENOENT) why = fmt::format("SOURCE {} does not exist", source);
    if (error.value() == ENOTDIR) why = fmt::format("SOURCE {} is not a directory", source);
    if (error.value() == EACCES) why = fmt::format("SOURCE {} is not accessible for you", source);
    return wrong(ExitCode::bad_source, std::move(why));
  }
  struct stat found {};
  if (::fstatat(fd.get(), kControlName, &found, AT_SYMLINK_NOFOLLOW) == 0) {
    return wrong(
        ExitCode::bad_source,
        fmt::format("SOURCE {} has an entry named {}, a name that every sluicefs keeps for itself; rename it",
                    source, kControlName));
  }
  return fd;
}

tl::expected<void, MountError> check_apart(const UniqueFd& source, const std::string& mountpoint) {
  const UniqueFd at(::open(mountpoint.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const Result<std::vector<MountEntry>> mounts = read_mounts();
  if (!at.valid() || !mounts) return {};
  const Result<SourcePlace> from = locate_source(source.get(), *mounts);
  const Result<SourcePlace> to = locate_source(at.get(), *mounts);
  if (!from || !to || overlap_of(*to, *from) != Overlap::inside) return {};
  return wrong(
      ExitCode::bad_mountpoint,
      fmt::format("MOUNTPOINT {} lies in SOURCE {}, so the mount would contain itself; mount it elsewhere "
                  "or on SOURCE itself",
                  mountpoint, from->path));
}

tl::expected<void, MountError> check_fuse(const Options& options, const std::string& fuse_conf) {
  if (auto device = check_device(); !device) return device;
  if (may_mount() && !may_act_as_others()) {
    return wrong(
        ExitCode::no_permission,
        "root lacks the capability CAP_SETUID or CAP_SETGID here, without which what users make would be "
        "root's; give both to the container or service");
  }
  if (may_mount()) return {};
  if (auto refused = data_for_root_only(options)) return wrong(ExitCode::no_permission, std::move(*refused));
  if (::geteuid() == 0) {
    return wrong(ExitCode::no_permission,
                 "root lacks the capability CAP_SYS_ADMIN here and cannot mount; give it to the container");
  }
  if (const std::string* flag = flag_for_root_only(options.mount_flags)) {
    return wrong(ExitCode::no_permission, fmt::format("'-o {}' is for root only; leave it out", *flag));
  }
  if (!find_fusermount()) {
    return wrong(ExitCode::missing_helper,
                 "fusermount3, needed to mount without root, is not installed; install the package fuse3");
  }
  if (options.allow_other.value_or(false) && !users_may_allow_other(fuse_conf).value_or(true)) {
    return wrong(ExitCode::no_permission,
                 fmt::format("'-o allow_other' is not allowed for users; root can allow it by the line "
                             "user_allow_other in {}",
                             fuse_conf));
  }
  return {};
}

tl::expected<UniqueFd, MountError> preflight(Options& options, Log& log) {
  auto mountpoint = check_mountpoint(options.mountpoint, log);
  if (!mountpoint) return tl::unexpected(std::move(mountpoint.error()));
  auto source = open_source(options.source);
  if (!source) return source;
  if (auto apart = check_apart(*source, *mountpoint); !apart) return tl::unexpected(std::move(apart.error()));
  if (auto fuse = check_fuse(options, "/etc/fuse.conf"); !fuse)
    return tl::unexpected(std::move(fuse.error()));
  options.mountpoint = std::move(*mountpoint);
  options.source = resolve(options.source).value_or(options.source);
  return source;
}

}  // namespace sluicefs
