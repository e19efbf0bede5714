#pragma once

#include <sys/types.h>

namespace sluicefs {

/// Removes a name of that type (S_IFMT bits) which has just been made and cannot be answered for, since its
/// maker will be told that it failed. Nobody can have used it through the mount: the kernel has the directory
/// locked until it is answered. What somebody has put in its place behind the mount stays: anything of
/// another type, other than an empty directory or, where `made` is a descriptor of what got the name, of
/// another inode. A name that cannot be removed stays as well, and nobody is told: the maker has an error
/// to hear already. `directory` may be O_PATH.
void take_back(int directory, const char* name, mode_t type, int made = -1);

}  // namespace sluicefs
