// sluicefs SOURCE MOUNTPOINT: from the command line to the exit code. What each step does is in the header of
// its name.

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

#include <array>
#include <cstdio>
#include <exception>
#include <optional>

#include "mount/claim_source.h"
#include "mount/counters_report.h"
#include "mount/mount.h"
#include "mount/options.h"
#include "mount/preflight.h"
#include "mount/stop.h"
#include "mount/unmount.h"
#include "process/daemonize.h"
#include "process/exit_code.h"
#include "process/log.h"
#include "process/process.h"
#include "process/sd_notify.h"
#include "process/signals.h"
#include "wire/fuse_api.h"

namespace sluicefs {

namespace {

int exit_with(const MountError& error) {
  print_error(error.message);
  return static_cast<int>(error.code);
}

void report(const Mount& mount, Log& log) {
  for (const std::string& line : counters_report(mount.counters(), mount.backend_name()))
    log.info("{}", line);
  log.info("{:<16} {:>12}", "data", name_of(mount.data_mode()));
}

enum class Served { until_the_connection_ended, until_asked_to_stop };

Served serve(const Mount& mount, const Signals& signals, Log& log) {
  while (true) {
    std::array<pollfd, 2> events{pollfd{signals.fd(), POLLIN, 0}, pollfd{mount.ended_fd(), POLLIN, 0}};
    if (::poll(events.data(), events.size(), -1) < 0) continue;
    if (events[1].revents != 0) return Served::until_the_connection_ended;
    const std::optional<int> signal = signals.next();
    if (!signal) continue;
    if (*signal != SIGUSR1) return Served::until_asked_to_stop;
    report(mount, log);
  }
}

ExitCode stop(Mount& mount, const Options& options, Log& log) {
  const StopReport stopped = finish(mount, options, log);
  report(mount, log);
  if (stopped.lost == 0) return ExitCode::success;
  log.error("not everything that was accepted could be made durable in {}: {}", options.source,
            stopped.error->message());
  return ExitCode::not_durable;
}

/// The mount's st_dev.
dev_t device_of(const std::string& mountpoint) {
  struct stat root {};
  static_cast<void>(::stat(mountpoint.c_str(), &root));
  return root.st_dev;
}

ExitCode serve_to_the_end(Mount& mount, const Signals& signals, const Options& options, Log& log) {
  const dev_t device = device_of(options.mountpoint);
  const Served served = serve(mount, signals, log);
  if (options.foreground) notify_service_manager("STOPPING=1");
  if (served == Served::until_asked_to_stop) {
    take_away(mount, device, options, signals, log);
  } else if (const auto left = detach_dead_mounts(options.mountpoint); left && !left->empty()) {
    log.warn("the connection of {} was aborted; detached what was left of the mount", options.mountpoint);
  }
  return stop(mount, options, log);
}

int run(Options options) {
  mend_inheritance();
  if (!options.foreground) close_inherited_descriptors();
  std::shared_ptr<Log> log = make_foreground_log(options.debug);
  // Before the fork, so that a wrong path is told with the user's own working directory.
  auto source = preflight(options, *log);
  if (!source) return exit_with(source.error());
  std::optional<Daemonize> daemonize;
  if (!options.foreground) daemonize = Daemonize::fork_and_wait();
  const auto signals = Signals::block();
  if (!signals)
    return exit_with({ExitCode::internal, "cannot receive signals: " + signals.error().message()});
  prepare_process(*log);
  const auto claim = claim_source(*source, options);
  if (!claim) return exit_with(claim.error());
  auto mount = Mount::start(options, std::move(*source));
  if (!mount) return exit_with(mount.error());
  if (daemonize) {
    log = make_background_log(options.debug);
    daemonize->ready();
  }
  if (options.foreground) notify_service_manager("READY=1");
  log->info("{} is mounted on {}, engine {}, data {}", options.source, options.mountpoint,
            (*mount)->backend_name(), name_of((*mount)->data_mode()));
  if (const auto why = (*mount)->why_tracked()) log->info("all data is tracked: {}", *why);

  return static_cast<int>(serve_to_the_end(**mount, *signals, options, *log));
}

int print_version() {
  std::printf("sluicefs %s, libfuse %s\n", SLUICEFS_VERSION, ::fuse_pkgversion());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const auto line = parse_command_line(argc, argv);
  if (!line) return exit_with(line.error());
  switch (line->action) {
    case CommandLine::Action::help:
      std::fputs(help_text().c_str(), stdout);
      return 0;
    case CommandLine::Action::version:
      return print_version();
    case CommandLine::Action::mount:
      return run(line->options);
  }
  return static_cast<int>(ExitCode::internal);
}

}  // namespace sluicefs

int main(int argc, char** argv) {
  try {
    return sluicefs::main(argc, argv);
  } catch (const std::exception& error) {  // No memory, no threads.
    sluicefs::print_error(error.what());
    return static_cast<int>(sluicefs::ExitCode::internal);
  }
}
