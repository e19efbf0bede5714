#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "parity_test.h"

namespace sluice::testing {
namespace {

PARITY_TEST(Create, MakesAFileOfTheCallers) {
  at.make_old(".");
  const UniqueFd fd = OPEN(::open("f", O_WRONLY | O_CREAT | O_EXCL, 0666));
  at.show(fd);
  at.show(".");
}

PARITY_TEST(Create, TakesThePermissionsThatTheUmaskLeaves) {
  for (const int mask : {0, 022, 027, 077, 0777}) {
    ::umask(static_cast<mode_t>(mask));
    OPEN(::open(("file " + std::to_string(mask)).c_str(), O_WRONLY | O_CREAT, 07777));
    CALL(::mkdir(("directory " + std::to_string(mask)).c_str(), 07777));
    CALL(::mkfifo(("fifo " + std::to_string(mask)).c_str(), 07777));
  }
}

PARITY_TEST(Create, ExclusivelyFailsOnWhatIsThere) {
  at.make_file("f");
  at.make_directory("d");
  at.require(::symlink("nowhere", "l") == 0, "symlink");
  for (const char* const name : {"f", "d", "l", ".", "..", "f/x", "nowhere/x"}) {
    OPEN(::open(name, O_WRONLY | O_CREAT | O_EXCL, 0644));
  }
}

PARITY_TEST(Mknod, MakesEveryType) {
  for (const int type : {S_IFREG, S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK, 0, S_IFDIR, S_IFLNK, 0170000}) {
    const std::string name = "node " + std::to_string(type);
    CALL(::mknod(name.c_str(), static_cast<mode_t>(type) | 0640, makedev(7, 300)));
    at.show(name);
  }
}

PARITY_TEST(Directory, IsMadeAndRemoved) {
  at.make_old(".");
  CALL(::mkdir("d", 0755));
  at.show(".");
  at.make_old(".");
  CALL(::rmdir("d"));
  at.show(".");
  at.show("d");
}

}  // namespace
}  // namespace sluice::testing
