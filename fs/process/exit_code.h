#pragma once

#include <array>
#include <string>
#include <string_view>

namespace sluicefs {

/// What the daemon's exit status means. Stable: scripts and mount.sluicefs rely on it.
enum class ExitCode : int {
  success = 0,
  usage = 1,
  bad_source = 2,
  bad_mountpoint = 3,
  already_mounted = 4,
  no_permission = 5,
  missing_helper = 6,
  fuse_unavailable = 7,
  engine_failed = 8,
  no_passthrough = 9,
  not_durable = 16,
  internal = 70,
};

struct ExitCodeMeaning {
  ExitCode code;
  std::string_view meaning;
};

/// Every exit code, as --help lists them.
inline constexpr std::array kExitCodeMeanings = {
    ExitCodeMeaning{ExitCode::success, "mounted (or, in the foreground, served, and stopped cleanly)"},
    ExitCodeMeaning{ExitCode::usage, "unknown option, missing or malformed argument"},
    ExitCodeMeaning{ExitCode::bad_source, "SOURCE cannot be used"},
    ExitCodeMeaning{ExitCode::bad_mountpoint, "MOUNTPOINT cannot be used"},
    ExitCodeMeaning{ExitCode::already_mounted, "another sluicefs serves this tree or a part of it"},
    ExitCodeMeaning{ExitCode::no_permission, "not allowed: /dev/fuse, mount(2) or fusermount3 refused"},
    ExitCodeMeaning{ExitCode::missing_helper, "fusermount3, needed without root, is not installed"},
    ExitCodeMeaning{ExitCode::fuse_unavailable, "no /dev/fuse, or the kernel's FUSE is too old"},
    ExitCodeMeaning{ExitCode::engine_failed, "the sync engine could not start"},
    ExitCodeMeaning{ExitCode::no_passthrough, "data=passthrough cannot be had here"},
    ExitCodeMeaning{ExitCode::not_durable, "stopped, but something accepted could not be made durable"},
    ExitCodeMeaning{ExitCode::internal, "anything else"},
};

/// Why there is no mount: one line for the user, without the program's name, that says what is wrong and what
/// would be right; and the exit code.
struct MountError {
  ExitCode code;
  std::string message;
};

}  // namespace sluicefs
