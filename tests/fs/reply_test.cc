#include "wire/reply.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "fake_kernel.h"

namespace sluicefs {
namespace {

using sluice::Errno;

/// Keeps the request unanswered.
struct Kept {
  fuse_req_t request = nullptr;
};

fuse_lowlevel_ops keeping_operations() {
  fuse_lowlevel_ops operations{};
  operations.getattr = [](fuse_req_t request, fuse_ino_t, fuse_file_info*) {
    static_cast<Kept*>(Session::context_of(request))->request = request;
  };
  return operations;
}

class ReplyTest : public ::testing::Test {
 protected:
  void SetUp() override { kernel_.init(0); }
  /// A request that waits for its answer.
  Reply ask() {
    unique_ = kernel_.send(FUSE_GETATTR, fuse_getattr_in{});
    EXPECT_TRUE(kernel_.serve());
    return Reply(kept_.request);
  }
  /// The one answer that came.
  Answer heard() {
    const auto answer = kernel_.receive();
    EXPECT_TRUE(answer);
    EXPECT_FALSE(kernel_.receive()) << "more than one answer";
    EXPECT_EQ(answer.value_or(Answer{}).unique, unique_);
    return answer.value_or(Answer{});
  }

  Kept kept_;
  FakeKernel kernel_{keeping_operations(), &kept_};
  std::uint64_t unique_ = 0;
};

TEST_F(ReplyTest, EachKindOfAnswerReachesTheKernelOnce) {
  const std::array<char, 5> bytes{'h', 'e', 'l', 'l', 'o'};
  const std::vector<std::function<bool(Reply&)>> answers = {
      [](Reply& reply) { return reply.ok(); },
      [](Reply& reply) { return reply.result({}); },
      [](Reply& reply) { return reply.entry({}); },
      [](Reply& reply) { return reply.created({}, {}); },
      [](Reply& reply) { return reply.attributes({}, 1); },
      [](Reply& reply) { return reply.opened({}); },
      [](Reply& reply) { return reply.written(7); },
      [&](Reply& reply) { return reply.bytes(bytes); },
      [](Reply& reply) { return reply.link_target("target"); },
      [](Reply& reply) { return reply.statistics({}); },
      [](Reply& reply) { return reply.xattr_size(7); },
      [](Reply& reply) { return reply.offset(7); },
  };
  for (const auto& answer : answers) {
    Reply reply = ask();
    EXPECT_TRUE(answer(reply));
    EXPECT_EQ(heard().error, 0);
  }
}

TEST_F(ReplyTest, ValuesArriveAsTheyAre) {
  ask().written(4096);
  EXPECT_EQ(heard().as<fuse_write_out>().size, 4096U);
  ask().xattr_size(300);
  EXPECT_EQ(heard().as<fuse_getxattr_out>().size, 300U);
  ask().offset(1LL << 40);
  EXPECT_EQ(heard().as<fuse_lseek_out>().offset, 1ULL << 40);
  ask().link_target("target");
  EXPECT_EQ(heard().payload, (std::vector<char>{'t', 'a', 'r', 'g', 'e', 't'}));
}

TEST_F(ReplyTest, ErrorsLeaveWithTheirSignOnTheWire) {
  ask().error(Errno(EIO));
  EXPECT_EQ(heard().error, -EIO);
  ask().result(sluice::fail(ENOSPC));
  EXPECT_EQ(heard().error, -ENOSPC);
}

TEST_F(ReplyTest, NoneAnswersNothing) {
  ask().none();
  EXPECT_FALSE(kernel_.receive());
}

TEST_F(ReplyTest, TheDutyMovesWithTheReply) {
  Reply first = ask();
  {
    Reply second = std::move(first);
    Reply third(std::move(second));
    EXPECT_TRUE(third.ok());
  }
  heard();
}

TEST_F(ReplyTest, AnAnswerThatTheKernelDoesNotTakeIsToldToTheCaller) {
  ::signal(SIGPIPE, SIG_IGN);
  Reply reply = ask();
  kernel_.hang_up();
  EXPECT_FALSE(reply.ok());
}

using ReplyDeathTest = ReplyTest;

TEST_F(ReplyDeathTest, AnsweringTwiceEndsTheProcess) {
  Reply reply = ask();
  reply.ok();
  EXPECT_DEATH(reply.ok(), "broken invariant: request_ != nullptr");
}

TEST_F(ReplyDeathTest, AnsweringAfterTheDutyMovedOnEndsTheProcess) {
  Reply first = ask();
  Reply second = std::move(first);
  EXPECT_DEATH(first.ok(), "broken invariant: request_ != nullptr");  // NOLINT(bugprone-use-after-move)
  second.ok();
}

TEST_F(ReplyDeathTest, ForgettingToAnswerEndsTheProcess) {
  Reply reply = ask();
  EXPECT_DEATH({ const Reply forgotten = std::move(reply); }, "broken invariant: request_ == nullptr");
  reply.ok();
}

}  // namespace
}  // namespace sluicefs
