#pragma once

#include <csignal>

namespace sluice {

/// sigevent(7) as it is checked when a request is queued and carried out when it is done.

/// False for a method or a signal that there is not (EINVAL, clause B5).
bool is_valid_notification(const sigevent& event);

/// Sends the signal, with si_code SI_ASYNCIO and its value, to the process or the thread; or calls the
/// function in a new detached thread, which has the given attributes and no signal blocked. What the system
/// has no room for is lost, as it is in the C library.
void notify(const sigevent& event) noexcept;

}  // namespace sluice
