#include "child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "file_calls.h"

namespace sluice::bench {
namespace {

constexpr std::chrono::seconds kKillPatience{5};
constexpr int kCannotRun = 127;

/// In the child: becomes `arguments`.
[[noreturn]] void become(char* const* arguments, int input, int output, int errors) {
  // A terminal's signals are for our parent, who ends us in the right order.
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::dup2(input, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  if (errors >= 0) ::dup2(errors, STDERR_FILENO);
  ::execv(arguments[0], arguments);
  ::_exit(kCannotRun);
}

}  // namespace

ChildProcess ChildProcess::start(const std::vector<std::string>& command, const UniqueFd& input,
                                 const UniqueFd& output, const UniqueFd& errors) {
  std::vector<std::string> words = command;
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const UniqueFd nothing = open_file("/dev/null", O_RDWR);
  const auto or_nothing = [&](const UniqueFd& file) { return file.valid() ? file.get() : nothing.get(); };

  const pid_t pid = ::fork();
  if (pid < 0) throw_errno("fork");
  if (pid == 0) become(arguments.data(), or_nothing(input), or_nothing(output), errors.get());
  UniqueFd handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  ChildProcess child(pid, std::move(handle));
  if (!child.handle_.valid()) throw_errno("pidfd_open");
  return child;
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), handle_(std::move(other.handle_)) {}

// One that waits for a mount that does not answer cannot be killed; it goes when the mount does.
ChildProcess::~ChildProcess() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  try {
    (void)wait(kKillPatience);
  } catch (const std::system_error&) {
  }
}

bool ChildProcess::has_ended() const {
  pollfd polled{handle_.get(), POLLIN, 0};
  return pid_ <= 0 || ::poll(&polled, 1, 0) == 1;
}

void ChildProcess::signal(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

std::optional<int> ChildProcess::wait(std::chrono::milliseconds patience, const Interrupt* interrupt) {
  std::array<pollfd, 2> polled{
      {{handle_.get(), POLLIN, 0}, {interrupt != nullptr ? interrupt->signals().get() : -1, POLLIN, 0}}};
  const int ready = ::poll(polled.data(), polled.size(), static_cast<int>(patience.count()));
  if (ready < 0) throw_errno("poll");
  if (interrupt != nullptr) interrupt->check();
  if (ready == 0) return std::nullopt;
  int status = 0;
  if (::waitpid(pid_, &status, 0) < 0) throw_errno("waitpid");
  pid_ = -1;
  constexpr int kSignalled = 256;
  return WIFEXITED(status) ? WEXITSTATUS(status) : kSignalled + WTERMSIG(status);
}

UniqueFd make_memory_file(const std::string& content) {
  UniqueFd file(::memfd_create("sluicefs-bench", MFD_CLOEXEC));
  if (!file.valid()) throw_errno("memfd_create");
  if (!content.empty()) write_at(file, std::as_bytes(std::span(content)), 0);
  return file;
}

std::string content_of(const UniqueFd& memory_file) {
  std::string text;
  std::array<std::byte, 65536> part{};
  while (const std::size_t got = read_at(memory_file, part, text.size())) {
    text.append(reinterpret_cast<const char*>(part.data()), got);
  }
  return text;
}

}  // namespace sluice::bench
