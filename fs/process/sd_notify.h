#pragma once

#include <string_view>

namespace sluicefs {

/// Tells the service manager `state`, as sd_notify(3) does ("READY=1"); does nothing where $NOTIFY_SOCKET is
/// not set. The protocol is one datagram, less than a dependency on libsystemd.
void notify_service_manager(std::string_view state);

}  // namespace sluicefs
