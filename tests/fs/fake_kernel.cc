#include "fake_kernel.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace sluicefs {

using sluice::UniqueFd;

FakeKernel::FakeKernel(const fuse_lowlevel_ops& operations, void* context, const SessionOptions& options) {
  std::array<int, 2> ends{-1, -1};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), 0);
  end_.reset(ends[0]);
  auto session = Session::create(options, operations, context);
  EXPECT_TRUE(session) << session.error();
  session_ = std::move(*session);
  const auto attached = session_->attach(UniqueFd(ends[1]));
  EXPECT_TRUE(attached) << attached.error();
}

std::uint64_t FakeKernel::send_to(std::uint64_t node, std::uint32_t opcode, std::span<const char> argument) {
  fuse_in_header header{};
  header.len = static_cast<std::uint32_t>(sizeof header + argument.size());
  header.opcode = opcode;
  header.unique = ++last_unique_;
  header.nodeid = node;
  std::vector<char> message(header.len);
  std::memcpy(message.data(), &header, sizeof header);
  if (!argument.empty()) std::memcpy(message.data() + sizeof header, argument.data(), argument.size());
  EXPECT_EQ(::send(end_.get(), message.data(), message.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(message.size()));
  return header.unique;
}

fuse_init_out FakeKernel::init(std::uint64_t offered) {
  fuse_init_in in{};
  in.major = FUSE_KERNEL_VERSION;
  in.minor = FUSE_KERNEL_MINOR_VERSION;
  in.max_readahead = 128 * 1024;
  in.flags = static_cast<std::uint32_t>(offered) | FUSE_INIT_EXT;
  in.flags2 = static_cast<std::uint32_t>(offered >> 32);
  const std::uint64_t unique = send(FUSE_INIT, in);
  EXPECT_TRUE(serve());
  const auto answer = receive();
  EXPECT_TRUE(answer && answer->unique == unique && answer->error == 0);
  return answer ? answer->as<fuse_init_out>() : fuse_init_out{};
}

bool FakeKernel::serve() {
  fuse_buf buffer{};
  const bool received = session_->receive(buffer);
  if (received) session_->process(buffer);
  std::free(buffer.mem);
  return received;
}

std::optional<Answer> FakeKernel::receive() {
  std::vector<char> message(64 * 1024);
  const ssize_t got = ::recv(end_.get(), message.data(), message.size(), MSG_DONTWAIT);
  fuse_out_header header{};
  if (got < static_cast<ssize_t>(sizeof header)) return std::nullopt;
  std::memcpy(&header, message.data(), sizeof header);
  EXPECT_EQ(header.len, static_cast<std::uint32_t>(got));
  return Answer{header.unique, header.error,
                std::vector<char>(message.begin() + sizeof header, message.begin() + got)};
}

}  // namespace sluicefs
