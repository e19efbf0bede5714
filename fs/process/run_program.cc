#include "process/run_program.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

namespace sluicefs {

using sluice::Result;
using sluice::UniqueFd;

namespace {

std::vector<char*> pointers_to(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (std::string& text : strings) pointers.push_back(text.data());
  return pointers;
}

/// What posix_spawn(3) is told to do in the child.
class SpawnActions {
 public:
  SpawnActions() {
    ::posix_spawn_file_actions_init(&files_);
    ::posix_spawnattr_init(&attributes_);
    sigset_t none;
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK);
  }
  ~SpawnActions() {
    ::posix_spawnattr_destroy(&attributes_);
    ::posix_spawn_file_actions_destroy(&files_);
  }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;

  void discard(int stream) { ::posix_spawn_file_actions_addopen(&files_, stream, "/dev/null", O_WRONLY, 0); }
  /// Onto itself takes FD_CLOEXEC off.
  void hand_on(const UniqueFd& fd, int as) { ::posix_spawn_file_actions_adddup2(&files_, fd.get(), as); }
  Result<pid_t> spawn(const char* path, char* const* arguments, char* const* environment) const {
    pid_t child = 0;
    const int error = ::posix_spawn(&child, path, &files_, &attributes_, arguments, environment);
    if (error != 0) return sluice::fail(error);
    return child;
  }

 private:
  posix_spawn_file_actions_t files_{};
  posix_spawnattr_t attributes_{};
};

Result<pid_t> start(ProgramToRun& program, const UniqueFd& errors) {
  SpawnActions actions;
  actions.discard(STDOUT_FILENO);
  actions.hand_on(errors, STDERR_FILENO);
  if (program.inherited.valid()) actions.hand_on(program.inherited, program.inherited.get());
  std::vector<char*> arguments = pointers_to(program.arguments);
  arguments.push_back(nullptr);
  std::vector<char*> environment = pointers_to(program.environment);
  for (char** entry = environ; *entry != nullptr; ++entry) environment.push_back(*entry);
  environment.push_back(nullptr);
  return actions.spawn(program.path.c_str(), arguments.data(), environment.data());
}

std::string read_to_end(const UniqueFd& pipe) {
  std::string text;
  std::array<char, 1024> part{};
  while (true) {
    const ssize_t got = ::read(pipe.get(), part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;
    text.append(part.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace

Result<ProgramEnd> run_program(ProgramToRun program) {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return sluice::fail_last();
  const UniqueFd from_program(ends[0]);
  UniqueFd errors(ends[1]);
  const Result<pid_t> child = start(program, errors);
  errors.reset();
  program.inherited.reset();
  if (!child) return sluice::fail(child.error());

  ProgramEnd end;
  end.errors = read_to_end(from_program);
  int status = 0;
  while (::waitpid(*child, &status, 0) != *child) {
    if (errno != EINTR) return sluice::fail_last();
  }
  end.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  return end;
}

}  // namespace sluicefs
