#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "ops/data_mode.h"
#include "process/exit_code.h"
#include "sluice/io_backend.h"

namespace sluicefs {

/// Everything the command line says.
struct Options {
  std::string source;
  std::string mountpoint;
  bool foreground = false;
  bool debug = false;
  bool read_only = false;
  /// Unset: root's mounts are for all users, a user's for himself.
  std::optional<bool> allow_other;
  /// Mount flags that are the kernel's or libfuse's business, as written: "nosuid", "noatime", ...
  std::vector<std::string> mount_flags;
  DataMode data = DataMode::automatic;
  unsigned max_syncs = 64;
  /// Sync dirty files before they are asked for, for callers that go through many.
  bool sync_ahead = true;
  sluice::BackendChoice backend = sluice::BackendChoice::automatic;
  /// How long the kernel may keep names and attributes; unset: long when mounted over its own source, else 1
  /// s.
  std::optional<std::chrono::duration<double>> entry_timeout;
  std::optional<std::chrono::duration<double>> attr_timeout;
  /// How long a stop waits for programs that keep the mount busy before it detaches.
  std::chrono::milliseconds stop_timeout{std::chrono::seconds(30)};
};

/// What the command line asks for. The options are meaningful for `mount` only.
struct CommandLine {
  enum class Action { mount, help, version };
  Action action = Action::mount;
  Options options;
};

/// argv[0] is not looked at. Every error has the code `usage`.
tl::expected<CommandLine, MountError> parse_command_line(int argc, const char* const* argv);

/// What --help prints.
std::string help_text();

}  // namespace sluicefs
