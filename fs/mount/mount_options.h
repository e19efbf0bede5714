#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "mount/options.h"

namespace sluicefs {

/// Adds what one `-o` says, a list as in fstab(5), to `options`; of options that exclude each other the last
/// one holds. In names, '_' and '-' are the same. Every error has the code `usage`.
tl::expected<void, MountError> apply_mount_options(std::string_view list, Options& options);

/// The options' part of what --help prints.
std::string mount_options_help();

}  // namespace sluicefs
