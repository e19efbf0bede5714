#include "stop.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "occupants.h"
#include "unmount.h"

namespace sluicefs {

using sluice::Errno;
using sluice::Result;

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kBetweenTries{100};
constexpr std::size_t kOccupantsNamed = 5;

/// False when `timeout` passed first.
bool wait_for_end(const Mount& mount, std::chrono::milliseconds timeout) {
  pollfd ended{mount.ended_fd(), POLLIN, 0};
  return ::poll(&ended, 1, static_cast<int>(timeout.count())) > 0;
}

}  // namespace

void take_away(Mount& mount, dev_t device, const Options& options, Log& log) {
  const Clock::time_point deadline = Clock::now() + options.stop_timeout;
  bool said_who = false;
  while (true) {
    mount.pull();
    const Result<void> unmounted = unmount_device(device, UnmountMode::clean);
    if (unmounted) {
      wait_for_end(mount, options.stop_timeout);
      return;
    }
    if (unmounted.error() != Errno(EBUSY) || Clock::now() >= deadline) {
      log.warn("cannot unmount {}: {}; detaching it", options.mountpoint, unmounted.error().message());
      break;
    }
    if (!said_who) {
      log.warn("{} is kept busy by {}; waiting", options.mountpoint,
               describe(find_occupants(device, kOccupantsNamed)));
      said_who = true;
    }
    if (wait_for_end(mount, kBetweenTries)) return;
  }
  if (const Result<void> detached = unmount_device(device, UnmountMode::detach); !detached) {
    log.error("cannot detach {}: {}", options.mountpoint, detached.error().message());
  }
  mount.pull();
}

}  // namespace sluicefs
