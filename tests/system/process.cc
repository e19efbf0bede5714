#include "process.h"

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>
#include <utility>

namespace sluice::testing {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

/// Only a fault takes that long.
constexpr seconds kPatience{90};
constexpr milliseconds kBetweenLooks{10};

bool readable_within(int fd, milliseconds patience) {
  pollfd polled{fd, POLLIN, 0};
  return ::poll(&polled, 1, static_cast<int>(patience.count())) == 1;
}

std::string all_of(const UniqueFd& file) {
  std::string text;
  std::array<char, 16384> part{};
  ssize_t got = 0;
  while ((got = ::pread(file.get(), part.data(), part.size(), static_cast<off_t>(text.size()))) > 0) {
    text.append(part.data(), static_cast<std::size_t>(got));
  }
  return text;
}

std::vector<char*> pointers_to(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& text : strings) pointers.push_back(text.data());
  return pointers;
}

void become(const User& user) {
  if (::setgroups(user.groups.size(), user.groups.data()) != 0 ||
      ::setresgid(user.gid, user.gid, user.gid) != 0 || ::setresuid(user.uid, user.uid, user.uid) != 0) {
    ::_exit(200);
  }
}

/// Appended to, as the child and what it starts share no position otherwise.
UniqueFd make_capture(const char* name) {
  const UniqueFd file(::memfd_create(name, MFD_CLOEXEC));
  const std::string path = "/proc/self/fd/" + std::to_string(file.get());
  return UniqueFd(::open(path.c_str(), O_RDWR | O_APPEND | O_CLOEXEC));
}

}  // namespace

Process::Process(pid_t pid) : pid_(pid), handle_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {
  EXPECT_TRUE(handle_.valid());
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), handle_(std::move(other.handle_)) {}

Process::~Process() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

bool Process::has_ended() const {
  return readable_within(handle_.get(), milliseconds(0));
}

void Process::signal(int number) const {
  EXPECT_EQ(::kill(pid_, number), 0);
}

int Process::wait() {
  if (!readable_within(handle_.get(), kPatience)) {
    ADD_FAILURE() << "process " << pid_ << " does not end";
    ::kill(pid_, SIGKILL);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(std::exchange(pid_, -1), &status, 0) >= 0, true);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

Program::Program(const Start& start) : output_(make_capture("stdout")), errors_(make_capture("stderr")) {
  // By its descriptor: a user may not be allowed to walk to it.
  const UniqueFd program(::open(SLUICEFS_PROGRAM, O_PATH | O_CLOEXEC));
  std::vector<std::string> strings = start.arguments;
  strings.insert(strings.begin(), "sluicefs");
  std::vector<char*> arguments = pointers_to(strings);
  arguments.push_back(nullptr);
  std::vector<std::string> added = start.environment;
  std::vector<char*> environment = pointers_to(added);
  for (char** entry = environ; *entry != nullptr; ++entry) environment.push_back(*entry);
  environment.push_back(nullptr);

  const pid_t pid = ::fork();
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const UniqueFd input(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    ::dup2(input.get(), STDIN_FILENO);
    ::dup2(output_.get(), STDOUT_FILENO);
    ::dup2(errors_.get(), STDERR_FILENO);
    if (start.prepare) start.prepare();
    if (start.user) become(*start.user);
    ::syscall(SYS_execveat, program.get(), "", arguments.data(), environment.data(), AT_EMPTY_PATH);
    ::_exit(201);
  }
  process_.emplace(pid);
}

std::string Program::output() const {
  return all_of(output_);
}
std::string Program::errors() const {
  return all_of(errors_);
}

bool Program::says(std::string_view text) const {
  bool said = false;
  eventually([&] {
    const bool ended = process_->has_ended();
    said = errors().find(text) != std::string::npos;
    return said || ended;
  });
  EXPECT_TRUE(said) << "not said: " << text << "\nbut:\n" << errors();
  return said;
}

Outcome run_program(const Start& start) {
  Program program(start);
  const int status = program.wait();
  return {status, program.output(), program.errors()};
}

int run_command(std::vector<std::string> words) {
  std::vector<char*> arguments = pointers_to(words);
  arguments.push_back(nullptr);
  return run_in_child([&] {
    ::execvp(arguments.front(), arguments.data());
    return 255;
  });
}

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = steady_clock::now() + kPatience;
  while (!condition()) {
    if (steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(kBetweenLooks);
  }
  return true;
}

void adopt_orphans() {
  ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
}

std::optional<Process> adopted_daemon() {
  std::ifstream children("/proc/self/task/" + std::to_string(::getpid()) + "/children");
  std::vector<pid_t> found;
  for (pid_t pid = 0; children >> pid;) {
    std::error_code ignored;
    const auto program = std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/exe", ignored);
    if (program == std::filesystem::canonical(SLUICEFS_PROGRAM)) found.push_back(pid);
  }
  EXPECT_EQ(found.size(), 1U);
  if (found.size() != 1) return std::nullopt;
  return std::optional<Process>(std::in_place, found.front());
}

}  // namespace sluice::testing
