#include <fcntl.h>
#include <semaphore.h>
#include <unistd.h>

#include <csignal>

#include "differential_scene.h"

// Waiting, cancelling, and being told, of requests that end by themselves.

namespace sluice::testing {
namespace {

/// A request that is done.
struct Done {
  Done() : block(block_of(files.fd())) {
    static_cast<void>(answer_and_end(::aio_fsync(O_SYNC, &block), block));
  }
  TempFiles files;
  aiocb block;
};

std::string suspend(const std::vector<const aiocb*>& blocks, int count, const timespec* timeout = nullptr) {
  return answer_of(::aio_suspend(blocks.data(), count, timeout));
}

std::string suspend_for_a_bad_time() {
  const Done done;
  const timespec wrong{.tv_sec = 0, .tv_nsec = 2'000'000'000};
  return suspend({&done.block}, 1, &wrong);
}

/// A signal's code, value and sender, or how the request was refused.
std::string signal_of(int signal) {
  sigset_t set;
  sigfillset(&set);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  const TempFiles files;
  aiocb block = block_of(files.fd());
  block.aio_sigevent.sigev_notify = SIGEV_SIGNAL;
  block.aio_sigevent.sigev_signo = signal;
  block.aio_sigevent.sigev_value.sival_int = 4711;
  if (::aio_fsync(O_SYNC, &block) != 0) return answer_of(-1);
  siginfo_t info{};
  const timespec patience{.tv_sec = 10, .tv_nsec = 0};
  const std::string end = end_of(block);
  if (signal < 1 || signal > SIGRTMAX) return "queued, then " + end;
  if (::sigtimedwait(&set, &info, &patience) != signal) return "no signal";
  return "code " + std::to_string(info.si_code) + " value " + std::to_string(info.si_value.sival_int) +
         (info.si_pid == ::getpid() ? " own" : " foreign") + ", " + end;
}

sem_t called;
int called_with = 0;

std::string call_of(int method) {
  ::sem_init(&called, 0, 0);
  const TempFiles files;
  aiocb block = block_of(files.fd());
  block.aio_sigevent.sigev_notify = method;
  block.aio_sigevent.sigev_value.sival_int = 4712;
  block.aio_sigevent.sigev_notify_function = [](sigval value) {
    called_with = value.sival_int;
    ::sem_post(&called);
  };
  if (::aio_fsync(O_SYNC, &block) != 0) return answer_of(-1);
  const std::string end = end_of(block);
  if (method != SIGEV_THREAD) return "queued, then " + end;
  ::sem_wait(&called);
  return "called with " + std::to_string(called_with) + ", " + end;
}

std::string zeroed() {
  const TempFiles files;
  aiocb block{};
  block.aio_fildes = files.fd();
  return answer_and_end(::aio_fsync(O_SYNC, &block), block);
}

std::string cancel_of_another_descriptor() {
  const TempFiles files(2);
  aiocb block = block_of(files.fd(1));
  return answer_of(::aio_cancel(files.fd(0), &block));
}

}  // namespace

std::vector<Situation> waiting_situations() {
  return {
      {"suspend for nothing", [] { return suspend({nullptr}, 0); }},
      {"suspend for null blocks",
       [] {
         return suspend({nullptr, nullptr}, 2);
       }},
      {"suspend for -1 blocks", [] { return suspend({nullptr}, -1); }},
      {"suspend for what is done",
       [] {
         const Done done;
         return suspend({nullptr, &done.block}, 2);
       }},
      {"suspend for what is done, for a bad time", suspend_for_a_bad_time},
      {"cancel what is done",
       [] {
         Done done;
         return answer_of(::aio_cancel(done.files.fd(), &done.block));
       }},
      {"cancel all of an idle descriptor",
       [] {
         const Done done;
         return answer_of(::aio_cancel(done.files.fd(), nullptr));
       }},
      {"cancel -1", [] { return answer_of(::aio_cancel(-1, nullptr)); }},
      {"cancel a block of another descriptor", cancel_of_another_descriptor},
      {"signal", [] { return signal_of(SIGUSR1); }},
      {"real-time signal", [] { return signal_of(SIGRTMIN + 2); }},
      {"signal -1", [] { return signal_of(-1); }},
      {"signal beyond the last", [] { return signal_of(SIGRTMAX + 1); }},
      {"thread", [] { return call_of(SIGEV_THREAD); }},
      {"unknown notification", [] { return call_of(99); }},
      {"block that was only zeroed", zeroed},
  };
}

}  // namespace sluice::testing
