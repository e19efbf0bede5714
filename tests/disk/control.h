#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "disk.h"
#include "sluice/result.h"
#include "sluice/unique_fd.h"

/// How others steer a running test disk: a Unix socket of type SOCK_SEQPACKET; one packet is a command in
/// words, the packet that comes back is "ok", "ok VALUE" or "error ERRNO TEXT". No command waits. The
/// commands:
///
///   device                              the loop device
///   counts                              the counters, as NAME=NUMBER words
///   flush-delay-us N                    each flush takes N microseconds from now on
///   hold, release                       the gate for flushes
///   fail-range OFFSET LENGTH reads|writes|both
///   fail-flushes SKIP COUNT             EIO for COUNT flushes after SKIP good ones
///   clear-faults
///   ignore-flushes on|off
///   mark TEXT                           a mark in the log; the value is the log position behind it
namespace sluice::testing {

/// Carries out one command. Never fails itself: an error is part of the answer.
std::string obey(Disk& disk, const std::string& device, std::string_view command);

/// Listens on a socket and obeys. Not thread-safe; the owner polls.
class ControlServer {
 public:
  static Result<ControlServer> listen(const std::filesystem::path& path);

  /// Waits until there is something to do on the socket, or until one of `others` is readable (and returns
  /// true).
  Result<bool> serve_until_readable(const std::vector<int>& others, Disk& disk, const std::string& device);

 private:
  explicit ControlServer(UniqueFd socket) : socket_(std::move(socket)) {}

  UniqueFd socket_;
  std::vector<UniqueFd> clients_;
};

/// A connection to a running disk.
class ControlClient {
 public:
  static Result<ControlClient> connect(const std::filesystem::path& path);

  /// The value of the answer ("" for a plain ok), or the errno it gives.
  Result<std::string> tell(std::string_view command);

 private:
  explicit ControlClient(UniqueFd socket) : socket_(std::move(socket)) {}

  UniqueFd socket_;
};

}  // namespace sluice::testing
