#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "interrupt.h"
#include "sluice/unique_fd.h"

namespace sluice::bench {

/// A program as a child of this process, whose other threads must not matter to it. It is killed when this
/// object or this process goes. Not thread-safe.
class ChildProcess {
 public:
  /// command[0] is a path. Standard input and output are `input` and `output`, or nothing; standard error
  /// goes to `errors`, or where ours goes. Throws std::system_error; a program that cannot be run ends with
  /// 127.
  static ChildProcess start(const std::vector<std::string>& command, const UniqueFd& input = {},
                            const UniqueFd& output = {}, const UniqueFd& errors = {});

  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] bool has_ended() const;
  void signal(int number) const;
  /// Waits for its end: the exit status, or 256 and the signal that ended it; none when it has not ended
  /// after `patience`. With `interrupt`, throws Interrupted when that comes first.
  std::optional<int> wait(std::chrono::milliseconds patience, const Interrupt* interrupt = nullptr);

 private:
  ChildProcess(pid_t pid, UniqueFd handle) : pid_(pid), handle_(std::move(handle)) {}

  pid_t pid_;
  UniqueFd handle_;  // pidfd_open(2)
};

/// A file in memory, for what a child is told and says.
[[nodiscard]] UniqueFd make_memory_file(const std::string& content = {});
/// All of it, wherever its position is.
[[nodiscard]] std::string content_of(const UniqueFd& memory_file);

}  // namespace sluice::bench
