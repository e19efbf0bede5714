#pragma once

#include <functional>
#include <vector>

namespace sluice::testing {

/// The calling thread gets `error` from these system calls from now on, as do the threads and processes it
/// makes and the programs it becomes; that can never be taken back. False when seccomp(2) is not to be had
/// here.
[[nodiscard]] bool forbid_syscalls(const std::vector<long>& numbers, int error);

/// Runs `body` in a thread that gets `error` from these system calls, as do the threads it makes. Returns
/// false, and runs nothing, when seccomp(2) is not to be had here.
[[nodiscard]] bool run_without_syscalls(const std::vector<long>& numbers, int error,
                                        const std::function<void()>& body);

}  // namespace sluice::testing
