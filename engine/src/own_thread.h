#pragma once

#include <functional>
#include <thread>

namespace sluice {

/// Starts a thread of ours in somebody else's program: with a name of at most 15 bytes, and with the signals
/// blocked that others send. Throws std::system_error when there can be none.
std::thread start_own_thread(const char* name, std::function<void()> body);

}  // namespace sluice
