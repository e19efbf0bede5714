#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

/// Makes real system calls of chosen threads fail, as the kernel would fail them: a seccomp filter sends each
/// of them to a signal handler, which performs it or does not. A signal handler has nothing but globals to
/// work on, so a process has one of this.
namespace sluice::testing::faults {

/// From now on the calling thread's system calls on files, and those of the threads that it makes, pass the
/// handler; that can never be taken back. False where it is not to be had: needs root and an x86-64.
[[nodiscard]] bool watch_this_thread();

/// The `nth` call from now on (the first is 1) fails with EIO, once, whichever thread makes it. close(2) does
/// its work nevertheless, as in Linux.
void fail_call(int nth);
/// The `nth` answer to a FUSE request from now on finds that its request has been answered with EIO already:
/// the kernel does not take it.
void refuse_answer(int nth);
/// All calls with that number fail with `error`, until stop().
void always_fail(long number, int error);
/// The `nth` call with that number from now on is said to have succeeded without having been made.
void pretend(long number, int nth = 1);
/// The daemon hears no FORGET, until hear_forgets().
void lose_forgets();
void hear_forgets();
/// No more faults. What they came to: true when one was met.
bool stop();
/// The call that was failed last, for people.
std::string last_fault();

/// The threads that have received FUSE requests.
std::vector<pid_t> serving_threads();

}  // namespace sluice::testing::faults
