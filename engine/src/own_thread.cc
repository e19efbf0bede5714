#include "own_thread.h"

#include <pthread.h>

#include <utility>

#include "signals_blocked.h"

namespace sluice {

std::thread start_own_thread(const char* name, std::function<void()> body) {
  const SignalsBlocked inherited;
  std::thread thread(std::move(body));
  pthread_setname_np(thread.native_handle(), name);
  return thread;
}

}  // namespace sluice
