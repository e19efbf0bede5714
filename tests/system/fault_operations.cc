#include "fault_operations.h"

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <memory>
#include <set>
#include <string_view>

namespace sluice::testing::faults {

namespace {

constexpr const char* kDigits = "0123456789";
constexpr mode_t kSetid = 06777;

bool always(const Place&) {
  return true;
}

/// The first error of calls that are made one after another; none is made after it.
class Steps {
 public:
  Steps& then(const std::function<long()>& call) {
    if (error_ == 0) error_ = error_of(call());
    return *this;
  }
  /// An answer that succeeded must be this.
  Steps& must(const std::function<bool()>& hold) {
    if (error_ == 0 && !hold()) error_ = kWrongAnswer;
    return *this;
  }
  [[nodiscard]] int error() const { return error_; }

 private:
  int error_ = 0;
};

/// Opens "f", or another, and goes on with it.
int with_file(const Place& place, int flags, const std::function<void(Steps&, int)>& use,
              const char* name = "f") {
  const UniqueFd fd(::open(place.at(name).c_str(), flags | O_CLOEXEC, 0640));
  if (!fd.valid()) return errno;
  Steps steps;
  use(steps, fd.get());
  return steps.error();
}

Steps& write_text(Steps& steps, int fd, std::string_view text) {
  return steps.then([=] { return ::write(fd, text.data(), text.size()); });
}

int list(const Place& place) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(place.mount.c_str()), ::closedir);
  if (!directory) return errno;
  std::set<std::string> names;
  errno = 0;
  while (const dirent* const entry = ::readdir(directory.get())) names.insert(entry->d_name);
  if (errno != 0) return errno;
  return names == std::set<std::string>{".", "..", "d", "f", "g", "s", "setid"} ? 0 : kWrongAnswer;
}

/// The page is in the cache before it is touched: a read that failed then would be SIGBUS.
int write_by_mapping(const Place& place) {
  return with_file(place, O_RDWR, [](Steps& steps, int fd) {
    static std::array<char, 16> bytes;
    steps.then([=] { return ::pread(fd, bytes.data(), bytes.size(), 0); });
    if (steps.error() != 0) return;
    void* const mapped = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED) return;
    static_cast<char*>(mapped)[0] = 'm';
    steps.then([=] { return ::msync(mapped, 4096, MS_SYNC); });
    ::munmap(mapped, 4096);
  });
}

std::function<bool(const Place&)> holds(std::string text, const char* name = "f") {
  return [=](const Place& place) { return content(place.behind(name)) == text; };
}
std::function<bool(const Place&)> is_there(const char* name) {
  return [=](const Place& place) { return exists(place.behind(name)); };
}
std::function<bool(const Place&)> is_gone(const char* name) {
  return [=](const Place& place) { return !exists(place.behind(name)); };
}
std::function<bool(const Place&)> moved(const char* from, const char* to) {
  return [=](const Place& place) { return !exists(place.behind(from)) && exists(place.behind(to)); };
}
/// A call that takes the path of one name.
std::function<int(const Place&)> on(const char* name, const std::function<long(const char*)>& call) {
  return [=](const Place& place) { return error_of(call(place.at(name).c_str())); };
}
std::function<int(const Place&)> renaming(const char* from, const char* to, unsigned flags) {
  return [=](const Place& place) {
    return error_of(::renameat2(AT_FDCWD, place.at(from).c_str(), AT_FDCWD, place.at(to).c_str(), flags));
  };
}

void add_names(std::vector<Operation>& all) {
  all.push_back({"lookup",
                 on("f",
                    [](const char* path) {
                      struct stat found {};
                      return ::lstat(path, &found);
                    }),
                 always});
  all.push_back({"lookup of nothing",
                 [](const Place& place) {
                   struct stat found {};
                   const int error = error_of(::lstat(place.at("none").c_str(), &found));
                   return error == ENOENT ? 0 : error == 0 ? kWrongAnswer : error;
                 },
                 always});
  all.push_back({"mkdir", on("n", [](const char* path) { return ::mkdir(path, 0750); }), is_there("n"), "n"});
  all.push_back({"mknod, a FIFO", on("n", [](const char* path) { return ::mknod(path, S_IFIFO | 0640, 0); }),
                 is_there("n"), "n"});
  all.push_back({"mknod, a file", on("n", [](const char* path) { return ::mknod(path, S_IFREG | 0640, 0); }),
                 is_there("n"), "n"});
  all.push_back({"symlink", on("n", [](const char* path) { return ::symlink("to nothing", path); }),
                 is_there("n"), "n"});
  all.push_back(
      {"link",
       [](const Place& place) { return error_of(::link(place.at("f").c_str(), place.at("n").c_str())); },
       is_there("n"), "n"});
  all.push_back({"readlink",
                 [](const Place& place) {
                   std::array<char, 16> target{};
                   const ssize_t size = ::readlink(place.at("s").c_str(), target.data(), target.size());
                   return size < 0 ? errno : std::string_view(target.data()) == "f" ? 0 : kWrongAnswer;
                 },
                 always});
  all.push_back({"unlink", on("f", [](const char* path) { return ::unlink(path); }), is_gone("f")});
  all.push_back({"rmdir", on("d", [](const char* path) { return ::rmdir(path); }), is_gone("d")});
  all.push_back({"unlink of an open file",
                 [](const Place& place) {
                   return with_file(place, O_RDWR, [&](Steps& steps, int fd) {
                     steps.then([&] { return ::unlink(place.at("f").c_str()); });
                     write_text(steps, fd, "after");
                     steps.then([=] { return ::fsync(fd); }).then([=] { return ::fchmod(fd, 0600); });
                   });
                 },
                 is_gone("f")});
}

void add_renames(std::vector<Operation>& all) {
  all.push_back({"rename", renaming("f", "n", 0), moved("f", "n")});
  all.push_back({"rename over a file", renaming("f", "g", 0), moved("f", "g")});
  all.push_back({"rename, not replacing", renaming("f", "n", RENAME_NOREPLACE), moved("f", "n")});
  all.push_back({"rename, exchanging", renaming("f", "d", RENAME_EXCHANGE), [](const Place& place) {
                   return S_ISDIR(status(place.behind("f")).st_mode) &&
                          S_ISREG(status(place.behind("d")).st_mode);
                 }});
  all.push_back({"rename of a directory into another", renaming("d", "d2", 0), moved("d", "d2")});
  all.push_back({"rename over an open file",
                 [](const Place& place) {
                   return with_file(
                       place, O_RDWR,
                       [&](Steps& steps, int fd) {
                         steps.then([&] { return ::rename(place.at("f").c_str(), place.at("g").c_str()); });
                         write_text(steps, fd, "after").then([=] { return ::fsync(fd); });
                         steps.then([=] { return ::ftruncate(fd, 3); });
                       },
                       "g");
                 },
                 [](const Place& place) { return content(place.behind("g")) == kDigits; }});
}

void add_files(std::vector<Operation>& all) {
  all.push_back({"create",
                 [](const Place& place) {
                   return with_file(
                       place, O_RDWR | O_CREAT | O_EXCL, [](Steps&, int) {}, "n");
                 },
                 is_there("n"), "n"});
  all.push_back(
      {"create and write",
       [](const Place& place) {
         return with_file(
             place, O_WRONLY | O_CREAT,
             [](Steps& steps, int fd) { write_text(steps, fd, "new").then([=] { return ::fsync(fd); }); },
             "n");
       },
       holds("new", "n")});
  all.push_back({"read",
                 [](const Place& place) {
                   return with_file(place, O_RDONLY, [](Steps& steps, int fd) {
                     static std::array<char, 11> bytes;
                     steps.then([=] { return ::pread(fd, bytes.data(), bytes.size(), 0); }).must([] {
                       return std::string_view(bytes.data()) == kDigits;
                     });
                   });
                 },
                 always});
  all.push_back({"open, truncating",
                 [](const Place& place) { return with_file(place, O_WRONLY | O_TRUNC, [](Steps&, int) {}); },
                 holds("")});
  all.push_back({"open for reading, truncating",
                 [](const Place& place) { return with_file(place, O_RDONLY | O_TRUNC, [](Steps&, int) {}); },
                 holds("")});
  all.push_back({"append",
                 [](const Place& place) {
                   return with_file(place, O_WRONLY | O_APPEND,
                                    [](Steps& steps, int fd) { write_text(steps, fd, "x"); });
                 },
                 holds("0123456789x")});
  all.push_back({"write, synchronously",
                 [](const Place& place) {
                   return with_file(place, O_WRONLY | O_SYNC,
                                    [](Steps& steps, int fd) { write_text(steps, fd, "x"); });
                 },
                 holds("x123456789")});
  all.push_back({"write twice, fdatasync",
                 [](const Place& place) {
                   return with_file(place, O_RDWR, [](Steps& steps, int fd) {
                     write_text(steps, fd, "x");
                     write_text(steps, fd, "y").then([=] { return ::fdatasync(fd); });
                     steps.then([=] { return ::fdatasync(fd); });
                   });
                 },
                 holds("xy23456789")});
  all.push_back({"write by a mapping", write_by_mapping, holds("m123456789")});
  all.push_back({"fallocate",
                 [](const Place& place) {
                   return with_file(place, O_RDWR, [](Steps& steps, int fd) {
                     steps.then([=] { return ::fallocate(fd, 0, 0, 20); });
                   });
                 },
                 [](const Place& place) { return status(place.behind("f")).st_size == 20; }});
  all.push_back({"copy_file_range",
                 [](const Place& place) {
                   const UniqueFd from(::open(place.at("f").c_str(), O_RDONLY | O_CLOEXEC));
                   if (!from.valid()) return errno;
                   return with_file(
                       place, O_WRONLY | O_TRUNC,
                       [&](Steps& steps, int fd) {
                         steps.then(
                             [&] { return ::copy_file_range(from.get(), nullptr, fd, nullptr, 5, 0); });
                       },
                       "g");
                 },
                 holds("01234", "g")});
  all.push_back({"lseek to a hole",
                 [](const Place& place) {
                   return with_file(place, O_RDWR, [](Steps& steps, int fd) {
                     static off_t at;
                     steps.then([=] { return at = ::lseek(fd, 0, SEEK_HOLE); }).must([] { return at == 10; });
                   });
                 },
                 always});
}

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

void add_directories(std::vector<Operation>& all) {
  all.push_back({"list", list, always});
  all.push_back({"list twice",
                 [](const Place& place) {
                   const int error = list(place);
                   return error != 0 ? error : list(place);
                 },
                 always});
  all.push_back({"fsync of a directory",
                 [](const Place& place) {
                   if (::mkdir(place.at("n").c_str(), 0700) != 0) return errno;
                   const UniqueFd fd(::open(place.mount.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
                   return fd.valid() ? error_of(::fsync(fd.get())) : errno;
                 },
                 is_there("n")});
  all.push_back({"statfs",
                 on("d",
                    [](const char* path) {
                      struct statfs found {};
                      return ::statfs(path, &found);
                    }),
                 always});
}

}  // namespace

void furnish(const Place& place, const User& owner) {
  const auto give = [&](const std::string& path, mode_t mode) {
    EXPECT_EQ(::lchown(path.c_str(), owner.uid, owner.gid), 0);
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
  };
  EXPECT_EQ(::mkdir(place.source.c_str(), 0700), 0) << place.source;
  give(place.source, 0777);
  for (const char* const name : {"f", "g"}) {
    make_file(place.behind(name), kDigits);
    give(place.behind(name), 0666);
  }
  EXPECT_EQ(::setxattr(place.behind("f").c_str(), "user.a", "1", 1, 0), 0);
  EXPECT_EQ(::mkdir(place.behind("d").c_str(), 0700), 0);
  give(place.behind("d"), 0777);
  EXPECT_EQ(::symlink("f", place.behind("s").c_str()), 0);
  EXPECT_EQ(::lchown(place.behind("s").c_str(), owner.uid, owner.gid), 0);
  make_file(place.behind("setid"), "");
  give(place.behind("setid"), kSetid);
}

std::vector<Operation> fault_operations() {
  std::vector<Operation> all;
  add_names(all);
  add_renames(all);
  add_files(all);
  add_attributes(all);
  add_directories(all);
  return all;
}

}  // namespace sluice::testing::faults
