#include "unmount.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "mount_info.h"

namespace sluicefs {

using sluice::fail;
using sluice::Result;

namespace {

/// Runs a program without output and with no signal blocked; its exit status.
Result<int> run_quietly(std::vector<std::string> arguments) {
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none;
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  pid_t child = 0;
  const int error = ::posix_spawn(&child, argv[0], &actions, &attributes, argv.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return fail(error);

  int status = 0;
  while (::waitpid(child, &status, 0) != child) {
    if (errno != EINTR) return sluice::fail_last();
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

Result<void> run_fusermount(const std::string& mountpoint, UnmountMode mode) {
  const std::optional<std::string> program = find_fusermount();
  if (!program) return fail(ENOENT);
  std::vector<std::string> arguments = {*program, "-u"};
  if (mode == UnmountMode::detach) arguments.emplace_back("-z");
  arguments.insert(arguments.end(), {"--", mountpoint});
  const Result<int> status = run_quietly(std::move(arguments));
  if (!status) return fail(status.error());
  if (*status != 0) return fail(EBUSY);
  return {};
}

bool is_program(const std::string& path) {
  return ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

std::optional<std::string> find_fusermount() {
  const char* const path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "" : path;
  while (!rest.empty()) {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    const std::string candidate = std::string(rest.substr(0, colon)) + "/fusermount3";
    if (candidate.front() == '/' && is_program(candidate)) return candidate;
    rest.remove_prefix(std::min(colon + 1, rest.size()));
  }
  for (const char* const candidate : {"/usr/bin/fusermount3", "/bin/fusermount3"}) {
    if (is_program(candidate)) return candidate;
  }
  return std::nullopt;
}

Result<void> unmount_path(const std::string& mountpoint, UnmountMode mode) {
  if (::geteuid() != 0) return run_fusermount(mountpoint, mode);
  const int flags = UMOUNT_NOFOLLOW | (mode == UnmountMode::detach ? MNT_DETACH : 0);
  if (::umount2(mountpoint.c_str(), flags) != 0) return sluice::fail_last();
  return {};
}

Result<void> unmount_device(dev_t device, UnmountMode mode) {
  const Result<std::vector<MountEntry>> mounts = read_mounts();
  if (!mounts) return fail(mounts.error());
  Result<void> result;
  // The last ones first: they may be mounted on the earlier ones.
  for (auto entry = mounts->rbegin(); entry != mounts->rend(); ++entry) {
    if (entry->device != device) continue;
    if (topmost_at(*mounts, entry->mountpoint) != &*entry) {
      result = fail(EBUSY);
      continue;
    }
    const Result<void> unmounted = unmount_path(entry->mountpoint, mode);
    // EINVAL: somebody was quicker.
    if (!unmounted && unmounted.error().value() != EINVAL) result = unmounted;
  }
  return result;
}

}  // namespace sluicefs
