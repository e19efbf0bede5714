#include "process/daemonize.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "process/log.h"

namespace sluicefs {

using sluice::UniqueFd;

namespace {

[[noreturn]] void leave(ExitCode code) {
  ::_exit(static_cast<int>(code));
}

[[noreturn]] void wait_for_child(pid_t child, const UniqueFd& from_child) {
  char byte = 0;
  if (::read(from_child.get(), &byte, 1) == 1) leave(ExitCode::success);
  int status = 0;
  if (::waitpid(child, &status, 0) == child && WIFEXITED(status)) ::_exit(WEXITSTATUS(status));
  print_error("the daemon died before it had mounted");
  leave(ExitCode::internal);
}

}  // namespace

Daemonize Daemonize::fork_and_wait() {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    print_error("cannot make a pipe; too many open files?");
    leave(ExitCode::internal);
  }
  UniqueFd from_child(ends[0]);
  UniqueFd to_parent(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) {
    print_error("cannot fork; too many processes?");
    leave(ExitCode::internal);
  }
  if (child > 0) {
    to_parent.reset();
    wait_for_child(child, from_child);
  }
  return Daemonize(std::move(to_parent));
}

void Daemonize::ready() {
  ::setsid();
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null.get(), stream);
  const char byte = 1;
  static_cast<void>(::write(to_parent_.get(), &byte, 1) == 1);
  to_parent_.reset();
}

}  // namespace sluicefs
