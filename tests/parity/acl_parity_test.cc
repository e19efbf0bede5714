#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "acl_bytes.h"
#include "parity_test.h"

// POSIX ACLs: set and shown as xattrs, bound up with the mode, inherited, and heeded.

namespace sluice::testing::parity {
namespace {

constexpr AclEntry kUser{ACL_USER_OBJ, 7};
constexpr AclEntry kGroup{ACL_GROUP_OBJ, 4};
constexpr AclEntry kMask{ACL_MASK, 6};
constexpr AclEntry kOther{ACL_OTHER, 0};

std::string full_acl() {
  return acl_bytes({kUser, {ACL_USER, 6, 42}, kGroup, {ACL_GROUP, 5, 43}, kMask, kOther});
}

void set_acl(Place& at, const char* path, const char* name, const std::string& acl, int flags = 0) {
  CALL(::lsetxattr(path, name, acl.data(), acl.size(), flags));
  at.show(path);
  at.xattrs(path);
}

PARITY_TEST(Acl, GoesWithTheMode) {
  at.make_file("f", "x", 0640);
  at.xattrs("f");
  set_acl(at, "f", kAccessAcl, full_acl());
  for (const mode_t mode : {0751U, 0700U, 04700U, 02770U, 0U}) {
    CALL(::chmod("f", mode));
    at.show("f");
    at.xattrs("f");
    set_acl(at, "f", kAccessAcl, full_acl());
  }
  set_acl(at, "f", kAccessAcl, acl_bytes({{ACL_USER_OBJ, 6}, kGroup, {ACL_OTHER, 4}}));
  set_acl(at, "f", kAccessAcl, full_acl(), XATTR_CREATE);
  set_acl(at, "f", kAccessAcl, full_acl(), XATTR_REPLACE);
  CALL(::removexattr("f", kAccessAcl));
  at.show("f");
  CALL(::removexattr("f", kAccessAcl));
}

PARITY_TEST(Acl, OfABadFormIsRefused) {
  at.make_file("f", "x", 0640);
  const std::string full = full_acl();
  const std::vector<std::string> acls = {
      "",
      full.substr(0, 3),
      full.substr(0, 4),
      std::string(4, '\1'),
      full.substr(0, full.size() - 3),
      acl_bytes({kUser, {ACL_USER, 6, 42}, kGroup, kOther}),
      acl_bytes({kGroup, kUser, kOther}),
      acl_bytes({kUser, kUser, kGroup, kOther}),
      acl_bytes({{ACL_USER_OBJ, 0x17}, kGroup, kOther}),
      acl_bytes({{3, 7}, kGroup, kOther}),
      acl_bytes({kUser, {ACL_USER, 6}, kGroup, kMask, kOther}),
  };
  for (const std::string& acl : acls) {
    set_acl(at, "f", kAccessAcl, acl);
    set_acl(at, "f", kAccessAcl, full);
  }
}

PARITY_TEST(Acl, OfOtherInodes) {
  at.make_file("f");
  at.make_directory("d");
  at.require(::mkfifo("p", 0640) == 0 && ::symlink("f", "l") == 0, "other inodes");
  for (const char* const path : {"f", "d", "p", "l", "none"}) {
    set_acl(at, path, kAccessAcl, full_acl());
    set_acl(at, path, kDefaultAcl, full_acl());
    CALL(::lremovexattr(path, kDefaultAcl));
  }
  set_acl(at, "d", kDefaultAcl, full_acl());
  set_acl(at, "d", kDefaultAcl, "");
}

PARITY_TEST(Acl, OfSomebodyElsesIsNotTheCallersToChange) {
  at.as_root([&] { at.make_file("f", "x", 0666); });
  set_acl(at, "f", kAccessAcl, full_acl());
  CALL(::removexattr("f", kAccessAcl));
}

PARITY_TEST(Acl, IsInherited) {
  const std::pair<const char*, std::string> defaults[] = {
      {"full", full_acl()},
      {"minimal", acl_bytes({kUser, {ACL_GROUP_OBJ, 2}, kOther})},
      {"wide", acl_bytes({kUser, {ACL_USER, 7, 1}, {ACL_GROUP_OBJ, 7}, {ACL_MASK, 7}, {ACL_OTHER, 7}})}};
  for (const auto& entry : defaults) {
    const char* const directory = entry.first;
    const std::string& acl = entry.second;
    at.make_directory(directory);
    set_acl(at, directory, kDefaultAcl, acl);
    for (const mode_t mask : {0U, 022U, 0777U}) {
      ::umask(mask);
      for (const mode_t mode : {0666U, 04755U, 0U}) {
        const std::string name = directory + ("/" + std::to_string(mask)) + "-" + std::to_string(mode) + "-";
        OPEN(::open((name + "file").c_str(), O_WRONLY | O_CREAT, mode));
        CALL(::mkdir((name + "directory").c_str(), mode));
        CALL(::mkfifo((name + "fifo").c_str(), mode));
        CALL(::symlink("x", (name + "link").c_str()));
        const UniqueFd nameless = OPEN(::open(directory, O_TMPFILE | O_RDWR, mode));
        CALL(::linkat(AT_FDCWD, ("/proc/self/fd/" + std::to_string(nameless.get())).c_str(), AT_FDCWD,
                      (name + "nameless").c_str(), AT_SYMLINK_FOLLOW));
      }
    }
  }
  ::umask(022);
}

PARITY_TEST(Acl, LetsInAndKeepsOut) {
  struct Case {
    const char* name;
    std::string acl;
  };
  const Case cases[] = {
      {"user", acl_bytes({kUser, {ACL_USER, 6, kOwner}, {ACL_GROUP_OBJ, 0}, {ACL_MASK, 7}, kOther})},
      {"user masked", acl_bytes({kUser, {ACL_USER, 6, kOwner}, {ACL_GROUP_OBJ, 0}, {ACL_MASK, 4}, kOther})},
      {"user denied",
       acl_bytes({kUser, {ACL_USER, 0, kOwner}, {ACL_GROUP_OBJ, 7}, {ACL_MASK, 7}, {ACL_OTHER, 7}})},
      {"group", acl_bytes({kUser, {ACL_GROUP_OBJ, 0}, {ACL_GROUP, 6, kSharedGroup}, {ACL_MASK, 7}, kOther})},
      {"group denied",
       acl_bytes({kUser, {ACL_GROUP_OBJ, 0}, {ACL_GROUP, 0, kSharedGroup}, {ACL_MASK, 7}, {ACL_OTHER, 7}})},
      {"two groups", acl_bytes({kUser,
                                {ACL_GROUP_OBJ, 0},
                                {ACL_GROUP, 2, kOwnGroup},
                                {ACL_GROUP, 5, kSharedGroup},
                                {ACL_MASK, 7},
                                kOther})},
  };
  for (const Case& one : cases) {
    const std::string name = one.name;
    const std::string& acl = one.acl;
    const std::string file = "file of " + name;
    const std::string directory = "directory of " + name;
    at.as_root([&] {
      at.make_file(file, "secret", 0600);
      at.make_directory(directory, 0700);
      at.make_file(directory + "/f");
      for (const std::string& path : {file, directory})
        at.require(::setxattr(path.c_str(), kAccessAcl, acl.data(), acl.size(), 0) == 0, path);
    });
    for (const int mode : {O_RDONLY, O_WRONLY, O_RDWR}) OPEN(::open(file.c_str(), mode));
    for (const int wish : {R_OK, W_OK, X_OK, R_OK | W_OK, F_OK}) CALL(::access(file.c_str(), wish));
    CALL(::chmod(file.c_str(), 0777));
    at.names(directory);
    at.show(directory + "/f");
    OPEN(::open((directory + "/new").c_str(), O_WRONLY | O_CREAT, 0600));
    CALL(::rename((directory + "/f").c_str(), (directory + "/g").c_str()));
  }
}

}  // namespace
}  // namespace sluice::testing::parity
