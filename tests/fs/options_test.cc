#include "mount/options.h"

#include <gtest/gtest.h>

#include <array>

#include "mount/mount_options.h"

namespace sluicefs {
namespace {

tl::expected<CommandLine, MountError> parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "sluicefs");
  return parse_command_line(static_cast<int>(arguments.size()), arguments.data());
}

Options options_of(const std::vector<const char*>& arguments) {
  const auto line = parse(arguments);
  EXPECT_TRUE(line) << line.error().message;
  if (!line) return {};
  EXPECT_EQ(line->action, CommandLine::Action::mount);
  return line->options;
}

std::string refusal(const std::vector<const char*>& arguments) {
  const auto line = parse(arguments);
  if (line) return "(no error)";
  EXPECT_EQ(line.error().code, ExitCode::usage);
  return line.error().message;
}

TEST(CommandLine, TwoOperandsAreSourceAndMountpoint) {
  const Options options = options_of({"/a", "/b"});
  EXPECT_EQ(options.source, "/a");
  EXPECT_EQ(options.mountpoint, "/b");
  EXPECT_FALSE(options.foreground);
  EXPECT_FALSE(options.debug);
}

TEST(CommandLine, FlagsMayStandAnywhere) {
  for (const std::vector<const char*>& arguments : {std::vector<const char*>{"-f", "-d", "/a", "/b"},
                                                    {"/a", "/b", "-fd"},
                                                    {"/a", "--debug", "/b", "--foreground"}}) {
    const Options options = options_of(arguments);
    EXPECT_TRUE(options.foreground && options.debug);
    EXPECT_EQ(options.source + options.mountpoint, "/a/b");
  }
}

TEST(CommandLine, OptionListsAddUpInEveryForm) {
  for (const std::vector<const char*>& arguments :
       {std::vector<const char*>{"-o", "ro,nosuid", "-o", "max-syncs=5", "/a", "/b"},
        {"/a", "/b", "-oro,nosuid", "-omax-syncs=5"},
        {"--options=ro,nosuid", "/a", "--options", "max-syncs=5", "/b"}}) {
    const Options options = options_of(arguments);
    EXPECT_TRUE(options.read_only);
    EXPECT_EQ(options.max_syncs, 5U);
    EXPECT_EQ(options.mount_flags, std::vector<std::string>{"nosuid"});
    EXPECT_EQ(options.source + options.mountpoint, "/a/b");
  }
}

TEST(CommandLine, AfterTwoHyphensEverythingIsAnOperand) {
  const Options options = options_of({"-f", "--", "-a", "--help"});
  EXPECT_EQ(options.source, "-a");
  EXPECT_EQ(options.mountpoint, "--help");
}

TEST(CommandLine, OddNamesAreTakenAsTheyAre) {
  for (const char* const name :
       {"with space", "with,comma", "[brackets]", "quo\"te", "a=b", "{x}", "%", "1", "\n"}) {
    const Options options = options_of({name, "/b"});
    EXPECT_EQ(options.source, name);
    EXPECT_EQ(options.mountpoint, "/b");
  }
}

TEST(CommandLine, HelpAndVersionNeedNothingElse) {
  for (const char* const help : {"-h", "--help"}) EXPECT_EQ(parse({help})->action, CommandLine::Action::help);
  for (const char* const version : {"-V", "--version"}) {
    EXPECT_EQ(parse({version})->action, CommandLine::Action::version);
  }
  EXPECT_EQ(parse({"--help", "--version", "/a"})->action, CommandLine::Action::help);
}

TEST(CommandLine, AWrongOneIsNamedAndWhatWouldBeRightIsSaid) {
  const std::string usage = "usage: sluicefs [options] SOURCE MOUNTPOINT";
  struct Case {
    std::vector<const char*> arguments;
    std::string line;
  };
  const std::array cases = {
      Case{{}, "SOURCE and MOUNTPOINT are missing; " + usage},
      Case{{"-f"}, "SOURCE and MOUNTPOINT are missing; " + usage},
      Case{{"/a"}, "MOUNTPOINT is missing; " + usage},
      Case{{"", "/b"}, "SOURCE is empty; " + usage},
      Case{{"/a", ""}, "MOUNTPOINT is empty; " + usage},
      Case{{"/a", "/b", "/c"}, "unexpected argument '/c'; " + usage},
      Case{{"-x", "/a", "/b"}, "unknown option '-x'; see sluicefs --help"},
      Case{{"--frobnicate", "/a", "/b"}, "unknown option '--frobnicate'; see sluicefs --help"},
      Case{{"--forground", "/a", "/b"}, "unknown option '--forground'; did you mean '--foreground'?"},
      Case{{"--option", "ro", "/a", "/b"}, "unknown option '--option'; did you mean '--options'?"},
      Case{{"/a", "/b", "-o"}, "'-o' needs a list of options after it; see sluicefs --help"},
      Case{{"/a", "/b", "--options"}, "'-o' needs a list of options after it; see sluicefs --help"},
      Case{{"--foreground=maybe", "/a", "/b"},
           "Could not convert: --foreground = maybe; see sluicefs --help"},
      Case{{"-o", "nonsense", "/a", "/b"}, "unknown option '-o nonsense'; see sluicefs --help"},
      Case{{"-o", "nonsense"}, "unknown option '-o nonsense'; see sluicefs --help"},
  };
  for (const Case& known : cases) EXPECT_EQ(refusal(known.arguments), known.line);
}

TEST(CommandLine, HelpNamesFlagsOptionsSignalsAndEveryExitStatus) {
  const std::string help = help_text();
  for (const char* const part : {"SOURCE", "MOUNTPOINT", "--foreground", "--debug", "--options", "--help",
                                 "--version", "SIGTERM", "SIGUSR1"}) {
    EXPECT_NE(help.find(part), std::string::npos) << part;
  }
  EXPECT_NE(help.find(mount_options_help()), std::string::npos);
  for (const ExitCodeMeaning& known : kExitCodeMeanings) {
    EXPECT_NE(help.find(std::string(known.meaning)), std::string::npos) << known.meaning;
  }
}

TEST(CommandLine, HelpFitsATerminal) {
  const std::string help = help_text();
  for (std::size_t at = 0; at < help.size();) {
    const std::size_t end = help.find('\n', at);
    EXPECT_LE(end - at, 85U) << help.substr(at, end - at);
    at = end + 1;
  }
}

}  // namespace
}  // namespace sluicefs
