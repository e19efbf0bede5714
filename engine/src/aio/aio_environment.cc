#include "aio/aio_environment.h"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>

namespace sluice {
namespace {

std::optional<BackendChoice> parse_backend(std::string_view text) {
  if (text == "auto") return BackendChoice::automatic;
  if (text == "io_uring") return BackendChoice::io_uring;
  if (text == "threads") return BackendChoice::threads;
  return std::nullopt;
}

std::optional<std::size_t> parse_count(std::string_view text) {
  std::size_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{} || end != text.data() + text.size() || count == 0) return std::nullopt;
  return count;
}

std::optional<bool> parse_switch(std::string_view text) {
  if (text == "1") return true;
  if (text == "0") return false;
  return std::nullopt;
}

/// Leaves `value` alone when the variable is not set, or cannot be understood.
template <typename Value, typename Parse>
void read_variable(const char* name, const char* wanted, Parse parse, Value& value) {
  const char* text = ::secure_getenv(name);
  if (text == nullptr) return;
  if (const std::optional<Value> parsed = parse(text)) {
    value = *parsed;
  } else {
    std::fprintf(stderr, "sluice: %s is not %s and is ignored: \"%s\"\n", name, wanted, text);
  }
}

}  // namespace

AioEnvironment read_aio_environment() {
  AioEnvironment environment;
  AioOptions& options = environment.options;
  read_variable("SLUICE_AIO_BACKEND", "auto, io_uring or threads", parse_backend, options.backend);
  read_variable("SLUICE_AIO_MAX_REQUESTS", "a number above 0", parse_count, options.max_requests);
  read_variable("SLUICE_AIO_PRIORITY", "0 or 1", parse_switch, environment.use_priority);
  return environment;
}

const AioEnvironment& aio_environment() {
  static const AioEnvironment environment = read_aio_environment();
  return environment;
}

}  // namespace sluice
