#pragma once

#include <sys/types.h>

#include "sluice/result.h"

namespace sluicefs {

/// Removes a name which has just been made and cannot be answered for, since its maker will be told that it
/// failed. Nobody can have used it through the mount: the kernel has the directory locked until it is
/// answered. What somebody has put in its place behind the mount stays: any other inode than that behind
/// `made`, any descriptor of what got the name. A name that cannot be removed stays as well.
void take_back(int directory, const char* name, int made);

/// What was made, where there is no descriptor of it.
struct Unseen {
  mode_t type;  ///< S_IFMT bits
  uid_t maker;
};
/// The same where it could not be looked at, because of `error`. What has another type or owner, other names
/// or bytes, stays; everything does when nothing was there, for what has the name now is not ours.
void take_back_unseen(int directory, const char* name, const Unseen& made, sluice::Errno error);

}  // namespace sluicefs
