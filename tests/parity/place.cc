#include "place.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <vector>

#include <fmt/format.h>

#include "mount_fixture.h"

namespace sluice::testing::parity {

namespace {

constexpr time_t kLongGone = 1'000'000'000;  // 2001.

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

std::string last_error() {
  return error_name(errno);
}

std::string joined(std::vector<std::string> parts) {
  std::sort(parts.begin(), parts.end());
  return fmt::format("{}", fmt::join(parts, " "));
}

/// Name and type of each entry but the dots, or why there are none.
struct Listing {
  std::vector<std::pair<std::string, unsigned char>> entries;
  std::string error;
};

Listing list(const std::string& path, int flags) {
  Listing listing;
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags);
  const std::unique_ptr<DIR, CloseDirectory> directory(fd >= 0 ? ::fdopendir(fd) : nullptr);
  if (!directory) return {{}, last_error()};
  errno = 0;
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") listing.entries.emplace_back(name, entry->d_type);
    errno = 0;
  }
  if (errno != 0) listing.error = last_error();
  std::sort(listing.entries.begin(), listing.entries.end());
  return listing;
}

std::string xattrs_of(const std::string& path) {
  std::vector<char> names(XATTR_LIST_MAX);
  const ssize_t size = ::llistxattr(path.c_str(), names.data(), names.size());
  if (size < 0) return last_error();
  std::vector<std::string> shown;
  std::vector<char> value(XATTR_SIZE_MAX);
  for (const char* name = names.data(); name < names.data() + size; name += std::strlen(name) + 1) {
    const ssize_t length = ::lgetxattr(path.c_str(), name, value.data(), value.size());
    shown.push_back(std::string(name) + "=" +
                    (length < 0
                         ? last_error()
                         : printable(std::string_view(value.data(), static_cast<std::size_t>(length)))));
  }
  return joined(std::move(shown));
}

std::string content_of(const std::string& path, int flags) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | flags));
  if (!fd.valid()) return last_error();
  std::string all;
  std::array<char, 65536> part{};
  ssize_t got = 0;
  while ((got = ::read(fd.get(), part.data(), part.size())) > 0)
    all.append(part.data(), static_cast<std::size_t>(got));
  return got < 0 ? last_error() : printable(all);
}

std::string target_of(const std::string& path) {
  std::array<char, PATH_MAX> target{};
  const ssize_t size = ::readlink(path.c_str(), target.data(), target.size());
  return size < 0 ? last_error() : printable(std::string_view(target.data(), static_cast<std::size_t>(size)));
}

}  // namespace

timespec start_of_test() {
  constexpr long kEarlyNs = 20'000'000;
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  now.tv_nsec -= kEarlyNs;
  if (now.tv_nsec < 0) now = {now.tv_sec - 1, now.tv_nsec + 1'000'000'000};
  return now;
}

void note_tree(const std::string& directory, const timespec& now, Outcome& outcome) {
  const std::function<void(const std::string&)> visit = [&](const std::string& name) {
    const std::string path = name.empty() ? directory : directory + "/" + name;
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) {
      outcome.notes.push_back({"tree: " + printable(name), last_error(), ""});
      return;
    }
    std::string shown;
    if (S_ISREG(status.st_mode)) shown = " " + content_of(path, O_NOATIME);
    if (S_ISLNK(status.st_mode)) {
      status.st_atim = {};  // Asking where it leads would change it.
      shown = " -> " + target_of(path);
    }
    outcome.notes.push_back(
        {"tree: " + printable(name), printable(status, now) + shown + " xattrs: " + xattrs_of(path), ""});
    if (!S_ISDIR(status.st_mode)) return;
    for (const auto& [entry, type] : list(path, O_NOATIME).entries)
      visit(name.empty() ? entry : name + "/" + entry);
  };
  visit("");
}

Place::Place(FileSystem file_system, const Caller& caller, std::string directory, const timespec& start)
    : file_system_(file_system),
      caller_(caller),
      directory_(std::move(directory)),
      start_(start),
      current_(kCallers[0]) {
  ::umask(022);
  become(caller);
}

bool Place::data_is_tracked() {
  return data_mode_of_environment() == sluicefs::DataMode::tracked;
}

bool Place::is_in_sample() const {
  if (std::getenv("SLUICE_TEST_LONG") != nullptr) return true;
  switch (file_system_) {
    case FileSystem::ext4:
      return caller_.has_shared_group;
    case FileSystem::xfs:
      return caller_.is_root();
    case FileSystem::btrfs:
      return !caller_.is_root() && !caller_.has_shared_group;
  }
  return true;
}

void Place::note(std::string_view label, std::string_view value) {
  outcome_.notes.push_back({std::string(label), std::string(value), exemption_});
}

void Place::note_returned(std::string_view label, long returned) {
  note(label, returned < 0 ? std::string_view(last_error()) : std::string_view(std::to_string(returned)));
}

void Place::show(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return note("attributes of " + printable(path), last_error());
  const std::string shown = printable(status, start_);
  note("attributes of " + printable(path),
       S_ISLNK(status.st_mode) ? shown + " -> " + target_of(path) : shown);
}

void Place::show(const UniqueFd& fd) {
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return note("attributes of a descriptor", last_error());
  note("attributes of a descriptor", printable(status, start_));
}

void Place::content(const std::string& path) {
  note("content of " + printable(path), content_of(path, 0));
}

void Place::names(const std::string& path) {
  const Listing listing = list(path, 0);
  std::string shown;
  for (const auto& [name, type] : listing.entries) shown += fmt::format("{} ({}) ", printable(name), type);
  note("names in " + printable(path), shown + listing.error);
}

void Place::xattrs(const std::string& path) {
  note("xattrs of " + printable(path), xattrs_of(path));
}

void Place::exempt(const Exemption& exemption, const std::function<void()>& run) {
  exemption_ = exemption.name;
  run();
  exemption_.clear();
}

/// By system calls: the wrappers of glibc would look for other threads, of which the copy has none.
void Place::become(const Caller& caller) {
  // The saved uid stays root's, and with it the permitted capabilities.
  require(::syscall(SYS_setresuid, 0, 0, 0) == 0, "setresuid");
  const std::vector<gid_t> groups = caller.groups();
  require(::syscall(SYS_setgroups, groups.size(), groups.data()) == 0, "setgroups");
  require(::syscall(SYS_setresgid, caller.gid, caller.gid, 0) == 0, "setresgid");
  require(::syscall(SYS_setresuid, caller.uid, caller.uid, 0) == 0, "setresuid");
  ::prctl(PR_SET_DUMPABLE, 1);  // Or /proc/self would be root's.
  current_ = caller;
}

void Place::as(const Caller& caller, const std::function<void()>& run) {
  const Caller before = current_;
  become(caller);
  run();
  become(before);
}

void Place::as_root(const std::function<void()>& run) {
  as(kCallers[0], run);
}

void Place::make_file(const std::string& path, std::string_view content, mode_t mode) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  require(fd.valid() && ::fchmod(fd.get(), mode) == 0, path);
  require(::write(fd.get(), content.data(), content.size()) == static_cast<ssize_t>(content.size()), path);
  if ((mode & (S_ISUID | S_ISGID)) != 0) require(::fchmod(fd.get(), mode) == 0, path);
}

void Place::make_directory(const std::string& path, mode_t mode) {
  require(::mkdir(path.c_str(), 0700) == 0 && ::chmod(path.c_str(), mode) == 0, path);
}

void Place::give(const std::string& path, uid_t uid, gid_t gid) {
  as_root([&] { require(::lchown(path.c_str(), uid, gid) == 0, path); });
}

void Place::make_old(const std::string& path) {
  const timespec times[2] = {{kLongGone, 1}, {kLongGone, 2}};
  as_root([&] { require(::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0, path); });
}

void Place::require(bool done, std::string_view what) const {
  if (!done) throw std::runtime_error(fmt::format("{}: {}", what, last_error()));
}

Outcome Place::take(std::string failure) {
  outcome_.failure = std::move(failure);
  outcome_.spares_tree = spares_tree_;
  return std::move(outcome_);
}

}  // namespace sluice::testing::parity
