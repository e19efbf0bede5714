#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "parity_test.h"

// Extended attributes of every namespace. POSIX ACLs have a file of their own.

namespace sluice::testing::parity {
namespace {

constexpr const char* kNamespaces[] = {"user.a", "trusted.a", "security.a"};

PARITY_TEST(Xattr, IsCreatedOrReplacedAsTheFlagsSay) {
  at.make_file("f");
  CALL(::setxattr("f", "user.a", "1", 1, XATTR_REPLACE));
  CALL(::setxattr("f", "user.a", "2", 1, XATTR_CREATE));
  CALL(::setxattr("f", "user.a", "3", 1, XATTR_CREATE));
  CALL(::setxattr("f", "user.a", "44", 2, XATTR_REPLACE));
  CALL(::setxattr("f", "user.a", "555", 3, 0));
  CALL(::setxattr("f", "user.a", "6", 1, XATTR_CREATE | XATTR_REPLACE));
  CALL(::setxattr("f", "user.b", "6", 1, XATTR_CREATE | XATTR_REPLACE));
  CALL(::setxattr("f", "user.a", "7", 1, 4));
  CALL(::setxattr("f", "user.empty", "", 0, 0));
  at.xattrs("f");
}

PARITY_TEST(Xattr, IsReadIntoBuffersOfEverySize) {
  at.make_file("f");
  CALL(::setxattr("f", "user.a", "0123456789", 10, 0));
  CALL(::setxattr("f", "user.empty", "", 0, 0));
  std::vector<char> buffer(70'000);
  for (const std::size_t size : {0U, 1U, 9U, 10U, 11U, 65'536U, 70'000U}) {
    at.note("room for", size);
    CALL(::getxattr("f", "user.a", buffer.data(), size));
    CALL(::getxattr("f", "user.empty", buffer.data(), size));
    CALL(::getxattr("f", "user.none", buffer.data(), size));
    CALL(::listxattr("f", buffer.data(), size));
  }
}

PARITY_TEST(Xattr, OfEveryName) {
  at.make_file("f");
  std::vector<std::string> names = {"",
                                    "a",
                                    "user",
                                    "user.",
                                    "trusted.",
                                    "security.",
                                    "system.",
                                    "system.a",
                                    "foo.a",
                                    "os2.a",
                                    "security.ima",
                                    "security.evm",
                                    "user.\xc3\xa4",
                                    "user.a b",
                                    "system.nfs4_acl",
                                    "btrfs.compression"};
  for (const std::size_t length : {249U, 250U, 251U, 300U})
    names.push_back("user." + std::string(length, 'n'));
  for (const std::string& name : names) {
    at.note("name", name.substr(0, 20));
    CALL(::setxattr("f", name.c_str(), "v", 1, 0));
    char value[8];
    CALL(::getxattr("f", name.c_str(), value, sizeof value));
    CALL(::removexattr("f", name.c_str()));
    CALL(::removexattr("f", name.c_str()));
  }
}

PARITY_TEST(Xattr, OfEverySize) {
  at.make_file("f");
  for (const std::size_t size :
       {100U, 3000U, 4000U, 4096U, 8192U, 20'000U, 65'535U, 65'536U, 65'537U, 100'000U}) {
    at.note("size", size);
    const std::string value(size, 'v');
    CALL(::setxattr("f", "user.a", value.data(), value.size(), 0));
    at.xattrs("f");
    CALL(::removexattr("f", "user.a"));
  }
}

PARITY_TEST(Xattr, AreManyUntilThereIsNoRoom) {
  at.make_file("f");
  const std::string value(40, 'v');
  int made = 0;
  while (made < 500 &&
         ::setxattr("f", ("user." + std::to_string(made)).c_str(), value.data(), value.size(), 0) == 0)
    ++made;
  at.note("how many there can be", made);
  CALL(::setxattr("f", "user.one more", value.data(), value.size(), 0));
  for (int i = 0; i < made; i += 2) CALL(::removexattr("f", ("user." + std::to_string(i)).c_str()));
  at.xattrs("f");
}

/// Some of each kind of inode, of the caller's own.
void make_kinds(Place& at) {
  at.make_file("file");
  at.make_directory("directory");
  at.make_directory("sticky", 01777);
  at.require(::mkfifo("fifo", 0666) == 0, "mkfifo");
  at.require(::symlink("file", "link") == 0 && ::symlink("nowhere", "dangling") == 0, "symlink");
  at.as_root([&] { at.require(::mknod("device", S_IFCHR | 0666, 0x0103) == 0, "mknod"); });
}
constexpr const char* kKinds[] = {"file",     "directory", "sticky", "fifo",  "link",
                                  "dangling", "device",    "none",   "file/x"};

PARITY_TEST(Xattr, OfEveryKindOfInode) {
  make_kinds(at);
  for (const char* const path : kKinds) {
    for (const char* const name : kNamespaces) {
      at.note(path, name);
      CALL(::lsetxattr(path, name, "v", 1, 0));
      at.xattrs(path);
      char value[8];
      CALL(::getxattr(path, name, value, sizeof value));
      CALL(::setxattr(path, name, "w", 1, 0));
      CALL(::lremovexattr(path, name));
    }
  }
}

PARITY_TEST(Xattr, OfSomebodyElses) {
  for (const mode_t mode : {0644U, 0666U, 0660U, 0600U, 01777U}) {
    const std::string path = std::to_string(mode);
    at.as_root([&] {
      (mode & S_ISVTX) != 0 ? at.make_directory(path, mode) : at.make_file(path, "x", mode);
      for (const char* const name : kNamespaces)
        at.require(::setxattr(path.c_str(), name, "1", 1, 0) == 0, name);
    });
    at.give(path, 0, kSharedGroup);
    at.xattrs(path);
    for (const char* const name :
         {"user.a", "trusted.a", "security.a", "user.b", "trusted.b", "security.b"}) {
      at.note(path, name);
      char value[8];
      CALL(::getxattr(path.c_str(), name, value, sizeof value));
      CALL(::setxattr(path.c_str(), name, "2", 1, 0));
      CALL(::removexattr(path.c_str(), name));
    }
  }
}

PARITY_TEST(Xattr, ByADescriptor) {
  at.make_file("f");
  for (const int flags : {O_RDONLY, O_WRONLY, O_PATH}) {
    const UniqueFd fd = OPEN(::open("f", flags));
    char value[8];
    CALL(::fsetxattr(fd.get(), "user.a", "1", 1, 0));
    CALL(::fgetxattr(fd.get(), "user.a", value, sizeof value));
    CALL(::flistxattr(fd.get(), nullptr, 0));
    CALL(::fremovexattr(fd.get(), "user.a"));
  }
  const UniqueFd fd = OPEN(::open("f", O_RDWR));
  CALL(::unlink("f"));
  char value[8];
  CALL(::fsetxattr(fd.get(), "user.a", "1", 1, 0));
  CALL(::fgetxattr(fd.get(), "user.a", value, sizeof value));
}

PARITY_TEST(Xattr, WithoutPermissionOnTheFileItself) {
  at.make_file("f", "", 0444);
  CALL(::setxattr("f", "user.a", "1", 1, 0));
  CALL(::chmod("f", 0222));
  char value[8];
  CALL(::setxattr("f", "user.a", "1", 1, 0));
  CALL(::getxattr("f", "user.a", value, sizeof value));
  CALL(::listxattr("f", nullptr, 0));
}

}  // namespace
}  // namespace sluice::testing::parity
