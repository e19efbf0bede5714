#include "aio/posix_notify.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>

namespace sluice {
namespace {

struct ThreadCall {
  void (*function)(sigval);
  sigval value;
};

void* call(void* argument) {
  const std::unique_ptr<ThreadCall> call(static_cast<ThreadCall*>(argument));
  // The maker of this thread has every signal blocked.
  sigset_t none;
  sigemptyset(&none);
  pthread_sigmask(SIG_SETMASK, &none, nullptr);
  call->function(call->value);
  return nullptr;
}

bool create_thread(const pthread_attr_t* attributes, ThreadCall* argument) {
  // Asked for first: the function may be the one to destroy the attributes.
  int state = PTHREAD_CREATE_JOINABLE;
  pthread_attr_getdetachstate(attributes, &state);
  pthread_t thread{};
  if (pthread_create(&thread, attributes, call, argument) != 0) return false;
  if (state == PTHREAD_CREATE_JOINABLE) pthread_detach(thread);
  return true;
}

/// With the program's attributes, or in a thread that is detached from the beginning.
void call_in_thread(const sigevent& event) {
  auto argument = std::make_unique<ThreadCall>(ThreadCall{event.sigev_notify_function, event.sigev_value});
  const auto* wanted = reinterpret_cast<const pthread_attr_t*>(event.sigev_notify_attributes);
  pthread_attr_t detached;
  pthread_attr_init(&detached);
  pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
  if (create_thread(wanted != nullptr ? wanted : &detached, argument.get())) {
    static_cast<void>(argument.release());
  }
  pthread_attr_destroy(&detached);
}

void send_signal(const sigevent& event) {
  if (event.sigev_signo == 0) return;
  siginfo_t info{};
  info.si_signo = event.sigev_signo;
  info.si_code = SI_ASYNCIO;
  info.si_pid = ::getpid();
  info.si_uid = ::getuid();
  info.si_value = event.sigev_value;
  if (event.sigev_notify == SIGEV_THREAD_ID) {
    ::syscall(SYS_rt_tgsigqueueinfo, ::getpid(), event._sigev_un._tid, event.sigev_signo, &info);
  } else {
    ::syscall(SYS_rt_sigqueueinfo, ::getpid(), event.sigev_signo, &info);
  }
}

}  // namespace

bool is_valid_notification(const sigevent& event) {
  switch (event.sigev_notify) {
    case SIGEV_NONE:
      return true;
    case SIGEV_SIGNAL:  // Also a block that was only zeroed: signal 0 is none.
    case SIGEV_THREAD_ID:
      return event.sigev_signo >= 0 && event.sigev_signo <= SIGRTMAX;
    case SIGEV_THREAD:
      return event.sigev_notify_function != nullptr;
    default:
      return false;
  }
}

void notify(const sigevent& event) noexcept {
  switch (event.sigev_notify) {
    case SIGEV_SIGNAL:
    case SIGEV_THREAD_ID:
      send_signal(event);
      break;
    case SIGEV_THREAD:
      call_in_thread(event);
      break;
    default:
      break;
  }
}

}  // namespace sluice
