#include "mount_files.h"

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <utility>

namespace sluice::testing {

UniqueFd open_file(const std::string& path, int flags, mode_t mode) {
  UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC, mode));
  EXPECT_TRUE(fd.valid()) << path << ": " << std::strerror(errno);
  return fd;
}

std::string content(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return std::string("<error> ") + std::strerror(errno);
  std::string all;
  std::array<char, 65536> part{};
  ssize_t got = 0;
  while ((got = ::read(fd.get(), part.data(), part.size())) > 0)
    all.append(part.data(), static_cast<std::size_t>(got));
  if (got < 0) return std::string("<error> ") + std::strerror(errno);
  return all;
}

void make_file(const std::string& path, const std::string& content, mode_t mode) {
  const UniqueFd fd = open_file(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
  EXPECT_EQ(::write(fd.get(), content.data(), content.size()), static_cast<ssize_t>(content.size())) << path;
}

struct stat status(const std::string& path) {
  struct stat status {};
  EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path << ": " << std::strerror(errno);
  return status;
}

mode_t mode_of(const std::string& path) {
  return status(path).st_mode & 07777;
}

bool exists(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::optional<std::string> xattr(const std::string& path, const char* name) {
  std::array<char, 4096> value{};
  const ssize_t size = ::lgetxattr(path.c_str(), name, value.data(), value.size());
  if (size < 0) return std::nullopt;
  return std::string(value.data(), static_cast<std::size_t>(size));
}

bool is_mount_point(const std::string& path) {
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    if (line.find(" " + path + " ") != std::string::npos) return true;
  }
  return false;
}

namespace {

/// Sanitizers look for leaks at exit(3), which a copy of half a process must not call anyhow.
pid_t fork_and_run(const std::function<int()>& run) {
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(99);
  ::_exit(run());
}

int status_of(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return -1;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

}  // namespace

int run_in_child(const std::function<int()>& run) {
  return status_of(fork_and_run(run));
}

int run_as(const User& user, const std::function<int()>& run) {
  return run_in_child([&] {
    if (::setgroups(user.groups.size(), user.groups.data()) != 0) return 250;
    if (::setresgid(user.gid, user.gid, user.gid) != 0) return 251;
    if (::setresuid(user.uid, user.uid, user.uid) != 0) return 252;
    ::umask(022);
    return run();
  });
}

Child::Child(const std::function<int(int)>& run) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) return;
  UniqueFd theirs(ends[1]);
  channel_.reset(ends[0]);
  pid_ = fork_and_run([&] {
    channel_.reset();
    return run(theirs.get());
  });
}

Child::~Child() {
  channel_.reset();
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  status_of(pid_);
}

bool Child::reports_within(int milliseconds) const {
  pollfd channel{channel_.get(), POLLIN, 0};
  return ::poll(&channel, 1, milliseconds) == 1;
}

bool Child::ready() {
  constexpr int kPatienceMs = 60'000;
  char byte = 0;
  return reports_within(kPatienceMs) && ::read(channel_.get(), &byte, 1) == 1;
}

void Child::proceed() {
  const char byte = 0;
  EXPECT_EQ(::write(channel_.get(), &byte, 1), 1);
}

int Child::wait() {
  return status_of(std::exchange(pid_, -1));
}

}  // namespace sluice::testing
