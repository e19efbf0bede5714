#pragma once

#include <string>
#include <vector>

#include "mount/options.h"

namespace sluicefs {

/// What our mount lets programs do, as the flags of mount(2) have it.
struct MountFlags {
  bool suid = false;
  bool dev = false;
  bool exec = true;
};

/// The flags of a mount that root makes: those that mount(8) would give it, but never laxer than the mount
/// that SOURCE is on, which has the flags `below` (ST_* of statvfs(3)); the options have the last word. A
/// user's mount has no setuid programs and no devices.
MountFlags flags_of_mount(const Options& options, unsigned long below, bool by_root);

/// In the words of libfuse, which takes no setuid programs and no devices for the default.
std::vector<std::string> words_of(const MountFlags& flags);

}  // namespace sluicefs
