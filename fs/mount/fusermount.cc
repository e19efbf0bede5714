#include "mount/fusermount.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "process/run_program.h"
#include "sluice/result.h"

namespace sluicefs {

using sluice::Result;
using sluice::UniqueFd;

namespace {

constexpr std::string_view kName = "fusermount3";

bool is_program(const std::string& path) {
  return ::access(path.c_str(), X_OK) == 0;
}

/// Its lines, without its name before each, as one.
std::string in_one_line(std::string_view text) {
  const std::string prefix = fmt::format("{}: ", kName);
  std::string line;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (part.starts_with(prefix)) part.remove_prefix(prefix.size());
    if (!line.empty() && !part.empty()) line += "; ";
    line += part;
  }
  return line;
}

tl::expected<void, std::string> run(std::vector<std::string> arguments, UniqueFd socket) {
  const std::optional<std::string> path = find_fusermount();
  if (!path) return tl::unexpected(fmt::format("{} is not installed", kName));
  ProgramToRun program{*path, std::move(arguments), {}, std::move(socket)};
  program.arguments.insert(program.arguments.begin(), std::string(kName));  // Its messages begin with it.
  if (program.inherited.valid()) {
    program.environment.push_back(fmt::format("_FUSE_COMMFD={}", program.inherited.get()));
  }
  const Result<ProgramEnd> end = run_program(std::move(program));
  if (!end) return tl::unexpected(fmt::format("cannot run {}: {}", *path, end.error().message()));
  if (end->status == 0) return {};
  const std::string why = in_one_line(end->errors);
  return tl::unexpected(why.empty() ? fmt::format("{} failed and did not say why", *path) : why);
}

/// The descriptor that was sent; invalid when none was.
UniqueFd receive_descriptor(const UniqueFd& socket) {
  char byte = 0;
  iovec data{&byte, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  if (::recvmsg(socket.get(), &message, MSG_CMSG_CLOEXEC) != 1) return {};
  const cmsghdr* const header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) return {};
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return UniqueFd(fd);
}

}  // namespace

std::optional<std::string> find_fusermount() {
  const char* const path = std::getenv("PATH");
  std::string_view rest = path == nullptr ? "" : path;
  while (!rest.empty()) {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    const std::string candidate = fmt::format("{}/{}", rest.substr(0, colon), kName);
    if (candidate.front() == '/' && is_program(candidate)) return candidate;
    rest.remove_prefix(std::min(colon + 1, rest.size()));
  }
  for (const char* const candidate : {"/usr/bin/fusermount3", "/bin/fusermount3"}) {
    if (is_program(candidate)) return candidate;
  }
  return std::nullopt;
}

tl::expected<UniqueFd, std::string> fusermount(const std::string& mountpoint,
                                               const std::vector<std::string>& options) {
  std::array<int, 2> ends{-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return tl::unexpected(sluice::Errno::last().message());
  }
  const UniqueFd ours(ends[0]);
  const auto mounted =
      run({"-o", fmt::format("{}", fmt::join(options, ",")), "--", mountpoint}, UniqueFd(ends[1]));
  if (!mounted) return tl::unexpected(mounted.error());
  UniqueFd device = receive_descriptor(ours);
  if (!device.valid()) return tl::unexpected(fmt::format("{} sent no descriptor", kName));
  return device;
}

tl::expected<void, std::string> fusermount_off(const std::string& mountpoint, bool detach) {
  if (detach) return run({"-u", "-z", "--", mountpoint}, UniqueFd());
  return run({"-u", "--", mountpoint}, UniqueFd());
}

}  // namespace sluicefs
