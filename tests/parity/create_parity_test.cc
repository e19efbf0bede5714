#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "parity_test.h"

namespace sluice::testing::parity {
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
  for (const char* const name : {"f", "d", "l", ".", "..", "f/x", "nowhere/x", "f/", "new/"}) {
    OPEN(::open(name, O_WRONLY | O_CREAT | O_EXCL, 0644));
  }
}

PARITY_TEST(Create, WithReadOnlyPermissionsGivesADescriptorThatWrites) {
  const UniqueFd fd = OPEN(::open("f", O_RDWR | O_CREAT, 0));
  CALL(::write(fd.get(), "x", 1));
  OPEN(::open("f", O_WRONLY));
  OPEN(::open("f", O_RDONLY));
}

PARITY_TEST(Create, FailsInADirectoryOfSomebodyElse) {
  at.as_root([&] { at.make_directory("theirs"); });
  OPEN(::open("theirs/f", O_WRONLY | O_CREAT, 0644));
  CALL(::mkdir("theirs/d", 0755));
  CALL(::mkfifo("theirs/p", 0644));
  CALL(::symlink("f", "theirs/l"));
  CALL(::unlink("theirs/nowhere"));
}

PARITY_TEST(Create, FollowsADanglingSymlink) {
  at.require(::symlink("target", "l") == 0, "symlink");
  OPEN(::open("l", O_WRONLY | O_CREAT, 0640));
  at.show("target");
  at.require(::symlink("loop", "loop") == 0, "symlink");
  OPEN(::open("loop", O_WRONLY | O_CREAT, 0640));
}

PARITY_TEST(Mknod, MakesEveryType) {
  for (const int type : {S_IFREG, S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK, 0, S_IFDIR, S_IFLNK, 0170000}) {
    const std::string name = "node " + std::to_string(type);
    CALL(::mknod(name.c_str(), static_cast<mode_t>(type) | 0640, makedev(7, 300)));
    at.show(name);
    CALL(::mknod(name.c_str(), static_cast<mode_t>(type) | 0640, 0));
  }
}

PARITY_TEST(Mknod, KeepsLargeDeviceNumbers) {
  for (const dev_t device :
       {makedev(1, 3), makedev(255, 255), makedev(256, 256), makedev(4095, 1048575), makedev(0, 0)}) {
    const std::string name = "device " + std::to_string(device);
    CALL(::mknod(name.c_str(), S_IFCHR | 0600, device));
    at.show(name);
  }
}

PARITY_TEST(Mknod, MakesDevicesThatWork) {
  at.as_root([&] { at.require(::mknod("null", S_IFCHR | 0666, makedev(1, 3)) == 0, "mknod"); });
  at.as_root([&] { at.require(::chmod("null", 0666) == 0, "chmod"); });
  const UniqueFd fd = OPEN(::open("null", O_RDWR));
  CALL(::write(fd.get(), "x", 1));
  char byte = 0;
  CALL(::read(fd.get(), &byte, 1));
  at.show("null");
}

PARITY_TEST(Mknod, MakesPipesThatWork) {
  at.require(::mkfifo("p", 0600) == 0, "mkfifo");
  OPEN(::open("p", O_WRONLY | O_NONBLOCK));
  const UniqueFd reader = OPEN(::open("p", O_RDONLY | O_NONBLOCK));
  const UniqueFd writer = OPEN(::open("p", O_WRONLY | O_NONBLOCK));
  CALL(::write(writer.get(), "abc", 3));
  char bytes[8]{};
  CALL(::read(reader.get(), bytes, sizeof bytes));
  at.show(reader);
}

PARITY_TEST(Mknod, SocketsAreBoundAndConnected) {
  sockaddr_un address{AF_UNIX, "s"};
  const UniqueFd listener = OPEN(::socket(AF_UNIX, SOCK_STREAM, 0));
  CALL(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address));
  CALL(::listen(listener.get(), 1));
  at.show("s");
  const UniqueFd client = OPEN(::socket(AF_UNIX, SOCK_STREAM, 0));
  CALL(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address));
  OPEN(::open("s", O_RDONLY));
  CALL(::bind(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address));
}

PARITY_TEST(Directory, IsMadeAndRemoved) {
  at.make_old(".");
  CALL(::mkdir("d", 0755));
  at.show("d");
  at.show(".");
  at.make_old(".");
  CALL(::rmdir("d"));
  at.show(".");
  at.show("d");
}

PARITY_TEST(Directory, IsNotMadeTwiceNorInWhatIsNone) {
  at.make_file("f");
  at.make_directory("d");
  at.require(::symlink("nowhere", "l") == 0, "symlink");
  for (const char* const name : {"f", "d", "l", ".", "..", "/", "", "f/x", "nowhere/x", "new/", "d/new//"}) {
    CALL(::mkdir(name, 0755));
  }
}

PARITY_TEST(Directory, IsNotRemovedWhenItHasEntriesOrIsNone) {
  at.make_file("f");
  at.make_directory("d");
  at.make_directory("d/e");
  at.require(::symlink("d/e", "l") == 0, "symlink");
  for (const char* const name :
       {"f", "d", "l", "l/", ".", "..", "/", "", "d/e/.", "d/e/..", "nowhere", "f/x"}) {
    CALL(::rmdir(name));
  }
  CALL(::rmdir("d/e/"));
  CALL(::rmdir("d"));
}

PARITY_TEST(Directory, CountsItsSubdirectories) {
  at.make_directory("d");
  for (int i = 0; i < 3; ++i) at.make_directory("d/" + std::to_string(i));
  at.make_file("d/f");
  at.show("d");
  CALL(::rmdir("d/1"));
  at.show("d");
  CALL(::rename("d/2", "moved"));
  at.show("d");
  at.show(".");
}

}  // namespace
}  // namespace sluice::testing::parity
