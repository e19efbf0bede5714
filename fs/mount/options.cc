#include "mount/options.h"

#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "mount/mount_options.h"
#include "mount/parse_value.h"

namespace sluicefs {

namespace {

constexpr std::string_view kUsage = "usage: sluicefs [options] SOURCE MOUNTPOINT";

tl::unexpected<MountError> wrong(std::string message) {
  return tl::unexpected<MountError>(MountError{ExitCode::usage, std::move(message)});
}

/// What the parser could not place: an option that is unknown, or a third operand.
tl::unexpected<MountError> not_expected(const std::string& argument) {
  constexpr std::array<std::string_view, 5> kLong = {"--foreground", "--debug", "--options", "--help",
                                                     "--version"};
  if (!argument.starts_with('-')) {
    return wrong(fmt::format("unexpected argument '{}'; {}", argument, kUsage));
  }
  const auto nearest = nearest_name(argument, kLong);
  return wrong(nearest ? fmt::format("unknown option '{}'; did you mean '{}'?", argument, *nearest)
                       : fmt::format("unknown option '{}'; see sluicefs --help", argument));
}

/// What is wrong with an operand, if anything: `given` tells an empty one from none.
std::string lacking(const char* name, const std::string& value, bool given) {
  if (!value.empty()) return {};
  return fmt::format("{} is {}; {}", name, given ? "empty" : "missing", kUsage);
}

tl::expected<CommandLine, MountError> checked(CommandLine line, const std::vector<std::string>& lists,
                                              std::size_t operands) {
  for (const std::string& list : lists) {
    if (auto applied = apply_mount_options(list, line.options); !applied) {
      return tl::unexpected<MountError>(std::move(applied.error()));
    }
  }
  if (operands == 0) return wrong(fmt::format("SOURCE and MOUNTPOINT are missing; {}", kUsage));
  std::string lack = lacking("SOURCE", line.options.source, operands > 0);
  if (lack.empty()) lack = lacking("MOUNTPOINT", line.options.mountpoint, operands > 1);
  if (!lack.empty()) return wrong(std::move(lack));
  return line;
}

}  // namespace

tl::expected<CommandLine, MountError> parse_command_line(int argc, const char* const* argv) {
  CommandLine line;
  std::vector<std::string> lists;
  bool help = false;
  bool version = false;
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  app.add_flag("-h,--help", help);
  app.add_flag("-V,--version", version);
  app.add_flag("-f,--foreground", line.options.foreground);
  app.add_flag("-d,--debug", line.options.debug);
  app.add_option("-o,--options", lists)->allow_extra_args(false);
  const CLI::Option* const source = app.add_option("SOURCE", line.options.source);
  const CLI::Option* const mountpoint = app.add_option("MOUNTPOINT", line.options.mountpoint);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ArgumentMismatch&) {  // Only -o takes one.
    return wrong("'-o' needs a list of options after it; see sluicefs --help");
  } catch (const CLI::ParseError& error) {
    return wrong(fmt::format("{}; see sluicefs --help", error.what()));
  }
  if (help || version) {
    line.action = help ? CommandLine::Action::help : CommandLine::Action::version;
    return line;
  }
  std::vector<std::string> extras = app.remaining();
  std::erase(extras, "--");  // CLI11 leaves it there.
  if (!extras.empty()) return not_expected(extras.front());
  return checked(std::move(line), lists, source->count() + mountpoint->count());
}

std::string help_text() {
  std::string help = fmt::format("{}\n\n", kUsage);
  help +=
      "Shows the tree SOURCE at MOUNTPOINT, which may be SOURCE itself. Every fsync and\n"
      "fdatasync there is queued, and answered when the writes before it are durable.\n\n"
      "  -f, --foreground       stay in the foreground and log to stderr, not to syslog\n"
      "  -d, --debug            log what happens in detail\n"
      "  -o, --options LIST     comma-separated options, see below; '\\,' is a comma\n"
      "  -h, --help             print this text\n"
      "  -V, --version          print the versions of sluicefs and libfuse\n\n"
      "Options for -o (TIME is in seconds, or has one of the units us, ms, s, m, h):\n";
  help += mount_options_help();
  help +=
      "  What fstab has for mount(8) itself (defaults, noauto, nofail, x-...) is ignored.\n\n"
      "SIGTERM, SIGINT and SIGHUP unmount, make everything durable and stop; a second one\n"
      "no longer waits for programs that use the mount. SIGUSR1 logs the counters.\n\n"
      "Exit status:\n";
  for (const ExitCodeMeaning& known : kExitCodeMeanings) {
    help += fmt::format("  {:>2}  {}\n", static_cast<int>(known.code), known.meaning);
  }
  return help;
}

}  // namespace sluicefs
