#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <memory>
#include <set>
#include <string_view>

#include "fault_steps.h"

// Names and directories.

namespace sluice::testing::faults {

namespace {

int list(const Place& place) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(place.mount.c_str()), ::closedir);
  if (!directory) return errno;
  std::set<std::string> names;
  errno = 0;
  while (const dirent* const entry = ::readdir(directory.get())) names.insert(entry->d_name);
  if (errno != 0) return errno;
  return names == std::set<std::string>{".", "..", "d", "f", "g", "s", "setid"} ? 0 : kWrongAnswer;
}

std::function<int(const Place&)> renaming(const char* from, const char* to, unsigned flags) {
  return [=](const Place& place) {
    return error_of(::renameat2(AT_FDCWD, place.at(from).c_str(), AT_FDCWD, place.at(to).c_str(), flags));
  };
}

}  // namespace

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

}  // namespace sluice::testing::faults
