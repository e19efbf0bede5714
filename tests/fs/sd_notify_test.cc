#include "process/sd_notify.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "scratch.h"
#include "sluice/unique_fd.h"

namespace sluicefs {
namespace {

using sluice::UniqueFd;

/// A service manager that listens at `name`; a leading '@' stands for the abstract namespace.
UniqueFd listen_at(std::string name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  if (name.front() == '@') name.front() = '\0';
  std::memcpy(address.sun_path, name.data(), name.size());
  UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), length), 0);
  return socket;
}

std::string received(const UniqueFd& socket) {
  std::array<char, 256> message{};
  const ssize_t got = ::recv(socket.get(), message.data(), message.size(), MSG_DONTWAIT);
  return got < 0 ? "(nothing)" : std::string(message.data(), static_cast<std::size_t>(got));
}

class SdNotify : public ::testing::Test {
 protected:
  ~SdNotify() override { ::unsetenv("NOTIFY_SOCKET"); }
  static void set_socket(const std::string& name) { ::setenv("NOTIFY_SOCKET", name.c_str(), 1); }
  Scratch scratch_;
};

TEST_F(SdNotify, TellsTheManagerAtAPath) {
  const UniqueFd manager = listen_at(scratch_.at("socket"));
  set_socket(scratch_.at("socket"));
  notify_service_manager("READY=1");
  EXPECT_EQ(received(manager), "READY=1");
}

TEST_F(SdNotify, TellsTheManagerInTheAbstractNamespace) {
  const std::string name = "@sluice-notify-" + std::to_string(::getpid());
  const UniqueFd manager = listen_at(name);
  set_socket(name);
  notify_service_manager("STOPPING=1");
  EXPECT_EQ(received(manager), "STOPPING=1");
}

TEST_F(SdNotify, WithoutAManagerThereIsNothingToDo) {
  ::unsetenv("NOTIFY_SOCKET");
  notify_service_manager("READY=1");
  for (const std::string& name :
       {std::string(), std::string("relative"), scratch_.at("nobody"), std::string(200, '/')}) {
    set_socket(name);
    notify_service_manager("READY=1");
  }
}

}  // namespace
}  // namespace sluicefs
