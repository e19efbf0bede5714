#include "interrupt.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>

#include "file_calls.h"

namespace sluice::bench {

Interrupt::Interrupt() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, number);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signals_.reset(::signalfd(-1, &set, SFD_CLOEXEC));
  if (!signals_.valid()) throw_errno("signalfd");
}

// The signal stays pending, so that whoever asks next is told as well.
void Interrupt::check() const {
  pollfd polled{signals_.get(), POLLIN, 0};
  if (::poll(&polled, 1, 0) == 1) throw Interrupted();
}

}  // namespace sluice::bench
