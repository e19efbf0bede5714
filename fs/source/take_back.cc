#include "source/take_back.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <optional>

#include "source/backing.h"

namespace sluicefs {

namespace {

/// Without a descriptor of its own: to have none left may be why the name is taken back.
std::optional<struct stat> look(int directory, const char* name) {
  struct stat named {};
  if (::fstatat(directory, name, &named, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
  return named;
}

void remove(int directory, const char* name, mode_t mode) {
  static_cast<void>(backing::unlink(directory, name, S_ISDIR(mode) ? AT_REMOVEDIR : 0));
}

}  // namespace

void take_back(int directory, const char* name, int made) {
  const std::optional<struct stat> named = look(directory, name);
  struct stat ours {};
  if (!named || ::fstat(made, &ours) != 0) return;
  if (ours.st_dev == named->st_dev && ours.st_ino == named->st_ino) remove(directory, name, named->st_mode);
}

void take_back_unseen(int directory, const char* name, const Unseen& made, sluice::Errno error) {
  if (error == sluice::Errno(ENOENT) || error == sluice::Errno(ESTALE)) return;
  const std::optional<struct stat> named = look(directory, name);
  if (!named || (named->st_mode & S_IFMT) != made.type || named->st_uid != made.maker) return;
  if (S_ISREG(made.type) && (named->st_size != 0 || named->st_nlink != 1)) return;
  remove(directory, name, named->st_mode);
}

}  // namespace sluicefs
