#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <spdlog/logger.h>

namespace sluicefs {

/// Where a daemon says what happens. Handed around; there is no global one. Thread-safe.
using Log = spdlog::logger;

/// To stderr, as `sluicefs: ...` lines.
std::shared_ptr<Log> make_foreground_log(bool debug);
/// To syslog(3), which is the journal's as well.
std::shared_ptr<Log> make_background_log(bool debug);

/// Prints `message` on stderr as the one line `sluicefs: ...`, whatever characters the user's arguments
/// brought into it.
void print_error(std::string_view message);
/// What print_error() prints after the prefix: control characters as octal escapes.
std::string one_line(std::string_view message);

}  // namespace sluicefs
