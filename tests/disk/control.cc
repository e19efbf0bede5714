#include "control.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstring>

namespace sluice::testing {
namespace {

constexpr std::size_t kPacketBytesMax = 4096;
using Packet = std::array<char, kPacketBytesMax>;

Result<sockaddr_un> address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = path.string();
  if (name.size() >= sizeof(address.sun_path)) return fail(ENAMETOOLONG);
  std::memcpy(address.sun_path, name.c_str(), name.size() + 1);
  return address;
}

UniqueFd new_socket() {
  return UniqueFd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
}

/// One command and its answer; false when the client has gone.
bool serve_client(const UniqueFd& client, Disk& disk, const std::string& device) {
  Packet packet;
  const ssize_t got = ::recv(client.get(), packet.data(), packet.size(), 0);
  if (got <= 0) return false;
  const std::string answer = obey(disk, device, {packet.data(), static_cast<std::size_t>(got)});
  return ::send(client.get(), answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

}  // namespace

Result<ControlServer> ControlServer::listen(const std::filesystem::path& path) {
  const Result<sockaddr_un> address = address_of(path);
  if (!address) return fail(address.error());
  UniqueFd socket = new_socket();
  if (!socket.valid()) return fail_last();
  (void)::unlink(path.c_str());
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof(*address)) != 0)
    return fail_last();
  if (::listen(socket.get(), 16) != 0) return fail_last();
  return ControlServer(std::move(socket));
}

Result<bool> ControlServer::serve_until_readable(const std::vector<int>& others, Disk& disk,
                                                 const std::string& device) {
  std::vector<pollfd> polled;
  for (const int fd : others) polled.push_back({fd, POLLIN, 0});
  polled.push_back({socket_.get(), POLLIN, 0});
  for (const UniqueFd& client : clients_) polled.push_back({client.get(), POLLIN, 0});
  if (::poll(polled.data(), polled.size(), -1) < 0) {
    if (errno == EINTR) return false;
    return fail_last();
  }
  const std::size_t first_client = others.size() + 1;
  for (std::size_t index = clients_.size(); index-- > 0;) {
    if (polled[first_client + index].revents == 0 || serve_client(clients_[index], disk, device)) continue;
    clients_.erase(clients_.begin() + static_cast<std::ptrdiff_t>(index));
  }
  if (polled[others.size()].revents != 0) {
    UniqueFd client(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (client.valid()) clients_.push_back(std::move(client));
  }
  for (std::size_t index = 0; index < others.size(); ++index) {
    if (polled[index].revents != 0) return true;
  }
  return false;
}

Result<ControlClient> ControlClient::connect(const std::filesystem::path& path) {
  const Result<sockaddr_un> address = address_of(path);
  if (!address) return fail(address.error());
  UniqueFd socket = new_socket();
  if (!socket.valid()) return fail_last();
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof(*address)) != 0) {
    return fail_last();
  }
  return ControlClient(std::move(socket));
}

Result<std::string> ControlClient::tell(std::string_view command) {
  if (::send(socket_.get(), command.data(), command.size(), MSG_NOSIGNAL) < 0) return fail_last();
  Packet packet;
  const ssize_t got = ::recv(socket_.get(), packet.data(), packet.size(), 0);
  if (got < 0) return fail_last();
  if (got == 0) return fail(ECONNRESET);
  const std::string_view answer(packet.data(), static_cast<std::size_t>(got));
  if (answer == "ok") return std::string();
  if (answer.starts_with("ok ")) return std::string(answer.substr(3));
  int error = EPROTO;
  constexpr std::string_view kError = "error ";
  if (answer.starts_with(kError)) {
    (void)std::from_chars(answer.data() + kError.size(), answer.data() + answer.size(), error);
  }
  return fail(error);
}

}  // namespace sluice::testing
