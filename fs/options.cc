#include "options.h"

#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "mount_options.h"
#include "parse_value.h"

namespace sluicefs {

namespace {

constexpr std::string_view kUsage = "usage: sluicefs [options] SOURCE MOUNTPOINT";

tl::unexpected<MountError> wrong(std::string message) {
  return tl::unexpected<MountError>(MountError{ExitCode::usage, std::move(message)});
}

/// What the parser could not place: an option that is unknown, or a third operand.
tl::unexpected<MountError> not_expected(const std::string& argument) {
  constexpr std::array<std::string_view, 4> kLong = {"--foreground", "--debug", "--help", "--version"};
  if (!argument.starts_with('-')) {
    return wrong(fmt::format("unexpected argument '{}'; {}", argument, kUsage));
  }
  const auto nearest = nearest_name(argument, kLong);
  return wrong(nearest ? fmt::format("unknown option '{}'; did you mean '{}'?", argument, *nearest)
                       : fmt::format("unknown option '{}'; see sluicefs --help", argument));
}

tl::expected<CommandLine, MountError> checked(CommandLine line, const std::vector<std::string>& lists) {
  for (const std::string& list : lists) {
    if (auto applied = apply_mount_options(list, line.options); !applied) {
      return tl::unexpected<MountError>(std::move(applied.error()));
    }
  }
  if (line.options.source.empty()) return wrong(fmt::format("SOURCE and MOUNTPOINT are missing; {}", kUsage));
  if (line.options.mountpoint.empty()) return wrong(fmt::format("MOUNTPOINT is missing; {}", kUsage));
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
  app.add_option("SOURCE", line.options.source);
  app.add_option("MOUNTPOINT", line.options.mountpoint);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return wrong(fmt::format("{}; see sluicefs --help", error.what()));
  }
  if (help || version) {
    line.action = help ? CommandLine::Action::help : CommandLine::Action::version;
    return line;
  }
  if (const auto extras = app.remaining(); !extras.empty()) return not_expected(extras.front());
  return checked(std::move(line), lists);
}

std::string help_text() {
  std::string help = fmt::format("{}\n\n", kUsage);
  help +=
      "Shows the tree SOURCE at MOUNTPOINT, which may be SOURCE itself. Every fsync and fdatasync there is "
      "queued\n"
      "and answered when exactly the writes before it are durable.\n\n"
      "  -f, --foreground       stay in the foreground and log to stderr\n"
      "  -d, --debug            log what happens in detail\n"
      "  -o, --options LIST     comma-separated options, see below; '\\,' is a comma\n"
      "  -h, --help             print this text\n"
      "  -V, --version          print the versions of sluicefs, libfuse and the kernel protocol\n\n"
      "Options for -o (TIME is in seconds, or has one of the units us, ms, s, m, h):\n";
  help += mount_options_help();
  help +=
      "  What fstab has for mount(8) itself (defaults, noauto, nofail, x-..., ...) is accepted and "
      "ignored.\n\n"
      "SIGTERM, SIGINT and SIGHUP unmount and stop; SIGUSR1 logs the counters.\n\n"
      "Exit status:\n";
  for (const ExitCodeMeaning& known : kExitCodeMeanings) {
    help += fmt::format("  {:>2}  {}\n", static_cast<int>(known.code), known.meaning);
  }
  return help;
}

}  // namespace sluicefs
