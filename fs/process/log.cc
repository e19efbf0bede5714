#include "process/log.h"

#include <syslog.h>

#include <cstdio>

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/syslog_sink.h>

namespace sluicefs {

namespace {

std::shared_ptr<Log> make_log(spdlog::sink_ptr sink, bool debug) {
  auto log = std::make_shared<Log>("sluicefs", std::move(sink));
  log->set_level(debug ? spdlog::level::debug : spdlog::level::info);
  log->flush_on(spdlog::level::debug);
  return log;
}

}  // namespace

std::shared_ptr<Log> make_foreground_log(bool debug) {
  auto log = make_log(std::make_shared<spdlog::sinks::stderr_sink_mt>(), debug);
  log->set_pattern(debug ? "sluicefs: %H:%M:%S.%f %t %l: %v" : "sluicefs: %v");
  return log;
}

std::shared_ptr<Log> make_background_log(bool debug) {
  constexpr bool kNoPattern = false;
  return make_log(
      std::make_shared<spdlog::sinks::syslog_sink_mt>("sluicefs", LOG_PID, LOG_DAEMON, kNoPattern), debug);
}

std::string one_line(std::string_view message) {
  std::string line;
  for (const char c : message) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      line += fmt::format("\\{:03o}", byte);
    } else {
      line += c;
    }
  }
  return line;
}

void print_error(std::string_view message) {
  const std::string line = fmt::format("sluicefs: {}\n", one_line(message));
  std::fputs(line.c_str(), stderr);
  std::fflush(stderr);
}

}  // namespace sluicefs
