#include "source/take_back.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "source/backing.h"

namespace sluicefs {

namespace {

/// Without a descriptor of its own: to have none left may be why the name is taken back.
bool is_the_one(int directory, const char* name, mode_t type, int made) {
  struct stat named {};
  if (::fstatat(directory, name, &named, AT_SYMLINK_NOFOLLOW) != 0) return false;
  if ((named.st_mode & S_IFMT) != type) return false;
  if (made < 0) return true;
  struct stat ours {};
  return ::fstat(made, &ours) == 0 && ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

}  // namespace

void take_back(int directory, const char* name, mode_t type, int made) {
  if (!is_the_one(directory, name, type, made)) return;
  static_cast<void>(backing::unlink(directory, name, S_ISDIR(type) ? AT_REMOVEDIR : 0));
}

}  // namespace sluicefs
