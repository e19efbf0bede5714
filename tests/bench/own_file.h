#pragma once

#include <string>

#include "callers.h"
#include "sluice/unique_fd.h"

namespace sluice::bench {

/// A file of a caller's own.
struct OwnFile {
  /// In the setting's directory.
  std::string name;
  UniqueFd file;
  /// Of the file as a whole: each write has the next.
  Version version = 0;
};

/// A block of 4 KiB more, and fsync. REQUIRES: open with O_APPEND; only this has written to it.
void append_and_sync(Caller& caller, OwnFile& own);

}  // namespace sluice::bench
