#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mount_files.h"
#include "sluice/unique_fd.h"

namespace sluice::testing {

/// A child process; killed with the object if it still runs.
class Process {
 public:
  explicit Process(pid_t pid);
  Process(Process&& other) noexcept;
  Process& operator=(Process&&) = delete;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] bool has_ended() const;
  void signal(int number) const;
  /// Waits for its end: the exit status, or 256 and the signal that ended it. A process that does not end is
  /// a failure of the test, and is killed.
  int wait();

 private:
  pid_t pid_;
  UniqueFd handle_;  // pidfd_open(2)
};

/// How sluicefs is started: by root, unless somebody else is named.
struct Start {
  std::vector<std::string> arguments;
  std::optional<User> user;
  std::vector<std::string> environment;  ///< "NAME=value", added to the test's own.
  /// What the child does as root before it becomes sluicefs; system calls only.
  std::function<void()> prepare;
};

/// The real program. Its standard output and error are kept; its standard input is empty.
class Program {
 public:
  explicit Program(const Start& start);

  [[nodiscard]] const Process& process() const { return *process_; }
  [[nodiscard]] std::string output() const;
  [[nodiscard]] std::string errors() const;
  /// Waits until it has said `text` on standard error; false, and a failure of the test, when it ends before.
  bool says(std::string_view text) const;
  int wait() { return process_->wait(); }

 private:
  UniqueFd output_;
  UniqueFd errors_;
  std::optional<Process> process_;
};

/// What a run of the program came to.
struct Outcome {
  int status = 0;
  std::string output;
  std::string errors;
};
Outcome run_program(const Start& start);

/// A command of the system, looked up in $PATH, as run_in_child().
int run_command(std::vector<std::string> words);

/// Waits until `condition` holds; false when it does not come to hold in a long time.
bool eventually(const std::function<bool()>& condition);

/// Makes processes whose parent ends children of this one.
void adopt_orphans();
/// The child of this process that runs sluicefs; a failure of the test when there is not exactly one.
std::optional<Process> adopted_daemon();

}  // namespace sluice::testing
