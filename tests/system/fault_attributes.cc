#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>

#include "fault_steps.h"

// Attributes, of which the size is one.

namespace sluice::testing::faults {

void add_attributes(std::vector<Operation>& all) {
  all.push_back({"truncate", on("f", [](const char* path) { return ::truncate(path, 3); }), holds("012")});
  all.push_back(
      {"truncate to nothing", on("f", [](const char* path) { return ::truncate(path, 0); }), holds("")});
  all.push_back({"ftruncate",
                 [](const Place& place) {
                   return with_file(place, O_RDWR, [](Steps& steps, int fd) {
                     steps.then([=] { return ::ftruncate(fd, 4); });
                   });
                 },
                 holds("0123")});
  all.push_back({"chmod", on("f", [](const char* path) { return ::chmod(path, 0600); }),
                 [](const Place& place) { return mode_of(place.behind("f")) == 0600; }});
  all.push_back({"chown",
                 on("setid",
                    [](const char* path) {
                      struct stat now {};
                      return ::lstat(path, &now) != 0 ? -1 : ::lchown(path, now.st_uid, now.st_gid);
                    }),
                 [](const Place& place) { return (mode_of(place.behind("setid")) & 06000) == 0; }});
  all.push_back({"utimensat",
                 on("f",
                    [](const char* path) {
                      const std::array<timespec, 2> times{timespec{1, 2}, timespec{3, 4}};
                      return ::utimensat(AT_FDCWD, path, times.data(), 0);
                    }),
                 [](const Place& place) { return status(place.behind("f")).st_mtim.tv_nsec == 4; }});
  all.push_back({"setxattr",
                 on("f", [](const char* path) { return ::setxattr(path, "user.b", "2", 1, XATTR_CREATE); }),
                 [](const Place& place) { return xattr(place.behind("f"), "user.b") == "2"; }});
  all.push_back({"removexattr", on("f", [](const char* path) { return ::removexattr(path, "user.a"); }),
                 [](const Place& place) { return !xattr(place.behind("f"), "user.a"); }});
  all.push_back({"getxattr and listxattr",
                 on("f",
                    [](const char* path) {
                      std::array<char, 256> bytes{};
                      const ssize_t got = ::getxattr(path, "user.a", bytes.data(), bytes.size());
                      return got < 0 ? got : ::listxattr(path, bytes.data(), bytes.size());
                    }),
                 always});
  all.push_back({"write to a file with setuid bits",
                 [](const Place& place) {
                   return with_file(
                       place, O_WRONLY, [](Steps& steps, int fd) { write_text(steps, fd, "x"); }, "setid");
                 },
                 [](const Place& place) {
                   const struct stat now = status(place.behind("setid"));
                   return content(place.behind("setid")) == "x" &&
                          (now.st_uid == 0) == ((now.st_mode & S_ISUID) != 0);
                 }});
}

}  // namespace sluice::testing::faults
