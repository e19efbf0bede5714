#pragma once

#include <optional>
#include <string>

#include "mount/options.h"
#include "wire/wire.h"

namespace sluicefs {

/// Why the kernel cannot pass the data of files of the source through, and what to do, as one line for the
/// user; none when it can, which is found out by having it take a file. For a mount that has asked for
/// passthrough and whose kernel has answered INIT. `source`: its directory. Where no file can be made there
/// for the purpose, or none is to be, only the type of the file system is looked at.
std::optional<std::string> why_no_passthrough(const Options& options, const Session& session,
                                              const InitFacts& facts, int source);

}  // namespace sluicefs
