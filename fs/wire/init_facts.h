#pragma once

#include <cstdint>

namespace sluicefs {

/// What was agreed on when the kernel said INIT, as data.
struct InitFacts {
  unsigned protocol_major = 0;
  unsigned protocol_minor = 0;
  /// FUSE_* bits of linux/fuse.h: what the kernel offers, and what we asked for.
  std::uint64_t offered = 0;
  std::uint64_t wanted = 0;

  /// The kernel tells us when to drop setuid bits, instead of asking for security.capability before every
  /// write. When false it drops them itself, by SETATTR and REMOVEXATTR, at that cost.
  bool handle_killpriv_v2 = false;
  /// Inodes may be opened so that their data does not pass us (BackingFile).
  bool passthrough = false;
};

}  // namespace sluicefs
