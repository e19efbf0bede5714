#include "detached_mount.h"

#include <fcntl.h>
#include <sys/mount.h>

#include <string>

namespace sluice::testing {
namespace {

Result<void> set(const UniqueFd& context, const char* key, const std::string& value) {
  if (::fsconfig(context.get(), FSCONFIG_SET_STRING, key, value.c_str(), 0) != 0) return fail_last();
  return {};
}

}  // namespace

// fsconfig() sends INIT without waiting for its answer (fuse_send_init()), and /dev/fuse cannot be read
// before it.
Result<DetachedFuseMount> DetachedFuseMount::make() {
  DetachedFuseMount mount;
  mount.device = UniqueFd(::open("/dev/fuse", O_RDWR | O_CLOEXEC));
  if (!mount.device.valid()) return fail_last();
  const UniqueFd context(::fsopen("fuse", FSOPEN_CLOEXEC));
  if (!context.valid()) return fail_last();
  const Result<void> described =
      set(context, "source", "sluicefs-testdisk")
          .and_then([&] { return set(context, "fd", std::to_string(mount.device.get())); })
          .and_then([&] { return set(context, "rootmode", "40000"); })
          .and_then([&] { return set(context, "user_id", "0"); })
          .and_then([&] { return set(context, "group_id", "0"); });
  if (!described) return fail(described.error());
  if (::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) return fail_last();
  mount.root = UniqueFd(::fsmount(context.get(), FSMOUNT_CLOEXEC, 0));
  if (!mount.root.valid()) return fail_last();
  return mount;
}

}  // namespace sluice::testing
