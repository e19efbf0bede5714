// sluicefs-testdisk: a disk for tests. See README.md.

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "control.h"
#include "disk_server.h"
#include "loop_device.h"
#include "mounts.h"
#include "process_watch.h"
#include "remove_tree.h"

namespace sluice::testing {
namespace {

constexpr int kExitFailed = 1;
constexpr int kExitStillInUse = 2;
constexpr std::chrono::milliseconds kNow{0};
constexpr std::chrono::seconds kEndPatience{20};

struct Settings {
  std::string image;
  std::uint64_t size_bytes = 256ULL << 20U;
  std::uint64_t flush_delay_us = 0;
  std::string log;
  std::string control;
  std::string counters;
  std::string scratch;
  bool hold = false;
  bool ignore_flushes = false;
  bool buffered = false;
  bool background = false;
  pid_t parent = 0;
  std::vector<std::string> words;
};

int complain(const std::string& what, Errno error) {
  fmt::print(stderr, "sluicefs-testdisk: {}: {}\n", what, error.message());
  return kExitFailed;
}

/// Memory that is paged out could only come back through writes that may wait for this very disk.
void avoid_waiting_for_ourselves() {
  (void)::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
  (void)::prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0);
}

/// Blocks the signals that end us, for all threads to come, and gives a descriptor for them.
Result<UniqueFd> take_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, number);
  if (const int error = ::pthread_sigmask(SIG_BLOCK, &set, nullptr); error != 0) return fail(error);
  UniqueFd signals(::signalfd(-1, &set, SFD_CLOEXEC));
  if (!signals.valid()) return fail_last();
  return signals;
}

Result<UniqueFd> open_image(const Settings& settings) {
  UniqueFd image(::open(settings.image.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!image.valid()) return fail_last();
  if (::ftruncate(image.get(), static_cast<off_t>(settings.size_bytes)) != 0) return fail_last();
  return image;
}

bool readable_within(const UniqueFd& file, std::chrono::milliseconds patience) {
  pollfd polled{file.get(), POLLIN, 0};
  return ::poll(&polled, 1, static_cast<int>(patience.count())) == 1;
}

/// Obeys until a signal, the end of the server or that of the parent. True when it was the parent.
bool obey_until_the_end(const Settings& settings, ControlServer& control, Disk& disk, const UniqueFd& signals,
                        const UniqueFd& server_ended, const std::string& device) {
  std::optional<ProcessWatch> parent;
  if (settings.parent != 0) {
    Result<ProcessWatch> watch = ProcessWatch::start(settings.parent);
    if (!watch) return true;
    parent = std::move(*watch);
  }
  const int timer = parent ? parent->timer().get() : -1;
  for (;;) {
    if (!control.serve_until_readable({signals.get(), server_ended.get(), timer}, disk, device)) return false;
    if (readable_within(signals, kNow) || readable_within(server_ended, kNow)) return false;
    if (parent && parent->dying()) return true;
  }
}

/// Serves until the end, then takes everything away in the order: mounts, loop device, server.
int serve(const Settings& settings, Disk& disk, const UniqueFd& signals) {
  Result<ControlServer> control = ControlServer::listen(settings.control);
  if (!control) return complain(settings.control, control.error());
  Result<std::unique_ptr<DiskServer>> server = DiskServer::start(disk, settings.size_bytes);
  if (!server) return complain("cannot serve", server.error());
  Result<UniqueFd> image = (*server)->open_image();
  if (!image) {
    (void)complain("cannot open the image through FUSE", image.error());
    ::_exit(kExitFailed);
  }
  Result<LoopDevice> loop = LoopDevice::attach(*image, settings.buffered ? LoopIo::buffered : LoopIo::direct);
  if (!loop) {
    (void)complain("cannot set up a loop device", loop.error());
    ::_exit(kExitFailed);
  }
  image->reset();
  fmt::print("{} {}\n", loop->path(), ::getpid());
  std::fflush(stdout);

  const bool alone = obey_until_the_end(settings, *control, disk, signals, (*server)->ended(), loop->path());

  disk.stop_waiting();
  detach_mounts_of(loop->path());
  loop->close();
  if (alone && !settings.scratch.empty()) remove_tree(settings.scratch);
  (void)::unlink(settings.control.c_str());
  if (readable_within((*server)->ended(), kEndPatience)) return 0;
  fmt::print(stderr, "sluicefs-testdisk: {} is still in use; what is written to it from now on fails\n",
             loop->path());
  // The serving thread cannot be woken; leaving closes /dev/fuse, and the kernel aborts the rest.
  ::_exit(kExitStillInUse);
}

int start(const Settings& settings) {
  const Result<UniqueFd> signals = take_signals();
  if (!signals) return complain("signals", signals.error());
  avoid_waiting_for_ourselves();
  Result<UniqueFd> image = open_image(settings);
  if (!image) return complain(settings.image, image.error());
  Result<CounterFile> counters = CounterFile::create(settings.counters);
  if (!counters) return complain(settings.counters, counters.error());
  std::optional<LogWriter> log;
  if (!settings.log.empty()) {
    Result<LogWriter> created = LogWriter::create(settings.log);
    if (!created) return complain(settings.log, created.error());
    log = std::move(*created);
  }
  Disk disk(std::move(*image), std::move(log), std::move(*counters));
  disk.set_flush_delay(std::chrono::microseconds(settings.flush_delay_us));
  if (settings.hold) disk.hold_flushes();
  disk.ignore_flushes(settings.ignore_flushes);
  return serve(settings, disk, *signals);
}

/// True in the process that was called, false in its copy, which goes on as nobody's child. REQUIRES: no
/// threads.
bool leave_for_background() {
  if (::fork() != 0) return true;
  (void)::setsid();
  return false;
}

int tell(const Settings& settings) {
  Result<ControlClient> client = ControlClient::connect(settings.control);
  if (!client) return complain(settings.control, client.error());
  const std::string command = fmt::format("{}", fmt::join(settings.words, " "));
  const Result<std::string> answer = client->tell(command);
  if (!answer) return complain(command, answer.error());
  if (!answer->empty()) fmt::print("{}\n", *answer);
  return 0;
}

int run(int argc, char** argv) {
  Settings settings;
  CLI::App app(
      "A disk for tests: a loop device whose flushes can be counted, delayed, held, failed and recorded.\n"
      "Prints the device and its own process id, and stays until SIGTERM.");
  app.add_option("--image", settings.image, "the file that holds the data; made if missing");
  app.add_option("--size", settings.size_bytes, "its size, e.g. 256M")->transform(CLI::AsSizeValue(false));
  app.add_option("--flush-delay-us", settings.flush_delay_us, "how long each flush takes");
  app.add_option("--log", settings.log, "record all writes and flushes in this file, as dm-log-writes does");
  app.add_option("--control", settings.control, "socket for commands")->required();
  app.add_option("--counters", settings.counters, "file with the counters, for other processes to map");
  app.add_flag("--hold", settings.hold, "begin with the gate for flushes shut");
  app.add_flag("--ignore-flushes", settings.ignore_flushes, "acknowledge flushes and do nothing");
  app.add_flag("--buffered-loop", settings.buffered, "no direct I/O in the loop device");
  app.add_flag("--background", settings.background, "go on without a terminal and without a parent");
  app.add_option("--parent", settings.parent, "end when this process does");
  app.add_option("--scratch", settings.scratch, "remove this directory when the parent has gone");
  CLI::App* const tell_command = app.add_subcommand("tell", "send a command to a running disk");
  tell_command->add_option("words", settings.words, "the command, see control.h")->required();
  CLI11_PARSE(app, argc, argv);
  if (tell_command->parsed()) return tell(settings);
  if (settings.image.empty()) return complain("--image", Errno(EINVAL));
  if (settings.background && leave_for_background()) return 0;
  return start(settings);
}

}  // namespace
}  // namespace sluice::testing

int main(int argc, char** argv) {
  return sluice::testing::run(argc, argv);
}
