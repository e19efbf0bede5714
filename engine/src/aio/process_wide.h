#pragma once

#include <pthread.h>

#include "sluice/check.h"

namespace sluice {

/// The T of this process, made of `kArguments` when it is first asked for. Never destroyed: threads and
/// requests may outlive main(). Told of forks by its before_fork(), after_fork_in_parent() and
/// after_fork_in_child().
///
/// Ask for it when the program is loaded ([[gnu::constructor]]): a fork while another thread makes it would
/// leave the child with half of it, and a signal handler must not be the one to make it.
template <typename T, auto... kArguments>
T& process_wide() {
  static T* made = nullptr;  // For the handlers, which are given nothing.
  static T* const object = [] {
    made = new T(kArguments...);
    SLUICE_CHECK(::pthread_atfork([] { made->before_fork(); }, [] { made->after_fork_in_parent(); },
                                  [] { made->after_fork_in_child(); }) == 0);
    return made;
  }();
  return *object;
}

}  // namespace sluice
