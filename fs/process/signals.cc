#include "process/signals.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace sluicefs {

using sluice::Result;
using sluice::UniqueFd;

Result<Signals> Signals::block() {
  sigset_t blocked;
  ::sigfillset(&blocked);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS, SIGQUIT}) {
    ::sigdelset(&blocked, fault);
  }
  if (::sigprocmask(SIG_SETMASK, &blocked, nullptr) != 0) return sluice::fail_last();

  sigset_t received;
  ::sigemptyset(&received);
  ::sigaddset(&received, SIGTERM);
  ::sigaddset(&received, SIGUSR1);
  for (const int signal : {SIGINT, SIGHUP}) {
    struct sigaction inherited {};
    if (::sigaction(signal, nullptr, &inherited) != 0 || inherited.sa_handler != SIG_IGN) {
      ::sigaddset(&received, signal);
    }
  }
  UniqueFd fd(::signalfd(-1, &received, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.valid()) return sluice::fail_last();
  return Signals(std::move(fd));
}

std::optional<int> Signals::next() const {
  signalfd_siginfo info{};
  if (::read(fd_.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return std::nullopt;
  return static_cast<int>(info.ssi_signo);
}

}  // namespace sluicefs
