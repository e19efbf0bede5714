#include "mount/stop.h"

#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

#include "mount/occupants.h"
#include "mount/overdue.h"
#include "mount/unmount.h"

namespace sluicefs {

using sluice::Errno;
using sluice::Result;
using std::chrono::milliseconds;

namespace {

using Clock = std::chrono::steady_clock;
constexpr milliseconds kBetweenTries{100};
/// For the kernel to end the connection after the unmount.
constexpr milliseconds kEndGrace{1000};
constexpr std::size_t kOccupantsNamed = 5;

/// Says that the disk makes us wait, when it does.
class DiskWatch {
 public:
  DiskWatch(const Options& options, Log& log)
      : overdue_(std::max<milliseconds>(options.stop_timeout, kLeast), [&] {
          log.warn("still waiting for {} to take what was accepted; its disk is slow or hangs",
                   options.source);
        }) {}

 private:
  static constexpr milliseconds kLeast{1000};
  Overdue overdue_;
};

/// One attempt to stop.
class Stop {
 public:
  Stop(Mount& mount, dev_t device, const Options& options, const Signals& signals, Log& log)
      : mount_(mount), device_(device), options_(options), signals_(signals), log_(log) {}

  void run() {
    pull();
    if (unmount_in_time() == Unmounted::yes) return;
    if (const Result<void> detached = unmount_device(device_, UnmountMode::detach); !detached) {
      log_.error("cannot detach {}: {}", options_.mountpoint, detached.error().message());
    }
    // Programs went on dirtying pages meanwhile.
    pull();
  }

 private:
  enum class Unmounted { yes, no };
  enum class Waited { ended, asked_again, in_vain };

  void pull() {
    const DiskWatch watch(options_, log_);
    mount_.pull();
  }

  Unmounted unmount_in_time() {
    bool said_who = false;
    while (true) {
      const Result<void> unmounted = unmount_device(device_, UnmountMode::clean);
      if (unmounted) return last_user_gone();
      if (unmounted.error() != Errno(EBUSY)) {
        log_.warn("cannot unmount {}: {}; detaching it", options_.mountpoint, unmounted.error().message());
        return Unmounted::no;
      }
      if (Clock::now() >= deadline_) {
        log_.warn("{} is still busy; detaching it", options_.mountpoint);
        return Unmounted::no;
      }
      if (!said_who) {
        log_.warn("{} is kept busy by {}; waiting", options_.mountpoint,
                  describe(find_occupants(device_, kOccupantsNamed)));
        said_who = true;
      }
      switch (wait_until(std::min(deadline_, Clock::now() + kBetweenTries))) {
        case Waited::ended:
          return Unmounted::yes;
        case Waited::asked_again:
          log_.warn("asked to stop a second time; detaching {}", options_.mountpoint);
          return Unmounted::no;
        case Waited::in_vain:
          break;
      }
    }
  }

  /// Our namespace is rid of it. Others may have copies of the mount, as containers do; and one that somebody
  /// unmounted lazily lives on with its users.
  Unmounted last_user_gone() {
    if (wait_until(std::max(deadline_, Clock::now() + kEndGrace)) == Waited::ended) return Unmounted::yes;
    log_.warn(
        "{} is unmounted here but still in use, in another mount namespace or after a lazy unmount; not "
        "waiting",
        options_.mountpoint);
    return Unmounted::no;
  }

  Waited wait_until(Clock::time_point until) {
    while (true) {
      std::array<pollfd, 2> events{pollfd{mount_.ended_fd(), POLLIN, 0}, pollfd{signals_.fd(), POLLIN, 0}};
      const auto left = std::chrono::ceil<milliseconds>(until - Clock::now());
      ::poll(events.data(), events.size(), static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
      if (events[0].revents != 0) return Waited::ended;
      if (const auto signal = signals_.next(); signal && *signal != SIGUSR1) return Waited::asked_again;
      if (Clock::now() >= until) return Waited::in_vain;
    }
  }

  Mount& mount_;
  const dev_t device_;
  const Options& options_;
  const Signals& signals_;
  Log& log_;
  const Clock::time_point deadline_ = Clock::now() + options_.stop_timeout;
};

}  // namespace

void take_away(Mount& mount, dev_t device, const Options& options, const Signals& signals, Log& log) {
  Stop(mount, device, options, signals, log).run();
}

StopReport finish(Mount& mount, const Options& options, Log& log) {
  const DiskWatch watch(options, log);
  return mount.finish();
}

}  // namespace sluicefs
