#include "disk_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <sstream>

#include "run_program.h"

namespace sluice::testing {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kStartPatience{60};
/// More than the disk itself waits for the last users of its mounts.
constexpr std::chrono::seconds kEndPatience{60};

bool readable_by(const UniqueFd& file, Clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
  pollfd polled{file.get(), POLLIN, 0};
  return ::poll(&polled, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0))) == 1;
}

/// The line that it prints when it is ready.
Result<std::string> read_line(const UniqueFd& input) {
  const auto deadline = Clock::now() + kStartPatience;
  std::string line;
  while (!line.ends_with('\n')) {
    if (!readable_by(input, deadline)) return fail(ETIMEDOUT);
    std::array<char, 256> part{};
    const ssize_t got = ::read(input.get(), part.data(), part.size());
    if (got < 0) return fail_last();
    if (got == 0) return fail(ECHILD);
    line.append(part.data(), static_cast<std::size_t>(got));
  }
  return line;
}

}  // namespace

Result<DiskProcess> DiskProcess::start(const std::vector<std::string>& arguments) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_last();
  const UniqueFd input(ends[0]);
  UniqueFd output(ends[1]);
  // With us as its parent it ends by itself when it comes too late.
  std::vector<std::string> all{SLUICE_TESTDISK, "--background", "--parent", std::to_string(::getpid())};
  all.insert(all.end(), arguments.begin(), arguments.end());
  // The program returns when it has gone into the background.
  const Result<int> launched = run_program(std::move(all), output);
  output.reset();
  if (!launched) return fail(launched.error());
  const Result<std::string> line = read_line(input);
  if (!line) return fail(line.error());
  std::istringstream words(*line);
  std::string device;
  pid_t pid = -1;
  if (!(words >> device >> pid)) return fail(EPROTO);
  UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process.valid()) return fail_last();
  return DiskProcess(std::move(device), pid, std::move(process));
}

void DiskProcess::end() {
  for (const int signal : {SIGTERM, SIGKILL}) {
    if (!process_.valid()) return;
    (void)::syscall(SYS_pidfd_send_signal, process_.get(), signal, nullptr, 0);
    if (readable_by(process_, Clock::now() + kEndPatience)) process_.reset();
  }
}

}  // namespace sluice::testing
