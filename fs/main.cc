// sluicefs SOURCE MOUNTPOINT: from the command line to the exit code. What each step does is in the header of
// its name.

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <optional>

#include "counters_report.h"
#include "daemonize.h"
#include "exit_code.h"
#include "fuse_api.h"
#include "log.h"
#include "mount.h"
#include "mount_info.h"
#include "options.h"
#include "preflight.h"
#include "registry.h"
#include "source_place.h"
#include "stop.h"

namespace sluicefs {

namespace {

using sluice::UniqueFd;

int exit_with(const MountError& error) {
  print_error(error.message);
  return static_cast<int>(error.code);
}

/// Every signal is read from a descriptor; those that mean a bug keep their effect.
UniqueFd take_signals() {
  sigset_t signals;
  ::sigfillset(&signals);
  for (const int fatal : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL}) ::sigdelset(&signals, fatal);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  sigset_t read;
  ::sigemptyset(&read);
  for (const int meant : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) ::sigaddset(&read, meant);
  return UniqueFd(::signalfd(-1, &read, SFD_CLOEXEC));
}

void set_up_process() {
  ::umask(0);
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
  // Our memory must not wait for a write-back that waits for us. Refused without privileges, and needed less
  // there.
  ::prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0);
  const UniqueFd score(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  if (score.valid()) static_cast<void>(::write(score.get(), "-900", 4) == 4);
}

void report(const Mount& mount, Log& log) {
  for (const std::string& line : counters_report(mount.counters(), mount.backend_name()))
    log.info("{}", line);
}

/// Serves until somebody stops or unmounts us.
void serve(Mount& mount, const UniqueFd& signals, dev_t device, const Options& options, Log& log) {
  while (true) {
    std::array<pollfd, 2> events{pollfd{signals.get(), POLLIN, 0}, pollfd{mount.ended_fd(), POLLIN, 0}};
    if (::poll(events.data(), events.size(), -1) < 0) continue;
    if (events[1].revents != 0) return;
    signalfd_siginfo signal{};
    if (::read(signals.get(), &signal, sizeof signal) != sizeof signal) continue;
    if (signal.ssi_signo == SIGUSR1) {
      report(mount, log);
      continue;
    }
    return take_away(mount, device, options, log);
  }
}

tl::expected<Claim, MountError> claim_source(const UniqueFd& source, const Options& options) {
  const auto mounts = read_mounts();
  if (!mounts) {
    return tl::unexpected(
        MountError{ExitCode::internal, "cannot read /proc/self/mountinfo: " + mounts.error().message()});
  }
  const auto place = locate_source(source.get(), *mounts);
  if (!place) {
    return tl::unexpected(
        MountError{ExitCode::bad_source, "cannot locate " + options.source + ": " + place.error().message()});
  }
  return Registry(Registry::default_directory()).claim(*place, options.mountpoint, *mounts);
}

int run(Options options) {
  std::shared_ptr<Log> log = make_foreground_log(options.debug);
  std::optional<Daemonize> daemonize;
  // Before the fork, so that a wrong path is told with the user's own working directory.
  auto source = preflight(options, *log);
  if (!source) return exit_with(source.error());
  if (!options.foreground) daemonize = Daemonize::fork_and_wait();

  set_up_process();
  const UniqueFd signals = take_signals();
  const auto claim = claim_source(*source, options);
  if (!claim) return exit_with(claim.error());
  auto mount = Mount::start(options, std::move(*source));
  if (!mount) return exit_with(mount.error());
  struct stat root {};
  static_cast<void>(::stat(options.mountpoint.c_str(), &root));
  if (daemonize) {
    log = make_background_log(options.debug);
    daemonize->ready();
  }
  log->info("{} is mounted on {}, engine {}", options.source, options.mountpoint, (*mount)->backend_name());

  serve(**mount, signals, root.st_dev, options, *log);
  const StopReport stopped = (*mount)->finish();
  report(**mount, *log);
  if (stopped.lost == 0) return static_cast<int>(ExitCode::success);
  log->error("{} of what was accepted could not be made durable: {}", stopped.lost, stopped.error->message());
  return static_cast<int>(ExitCode::not_durable);
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
  return sluicefs::main(argc, argv);
}
