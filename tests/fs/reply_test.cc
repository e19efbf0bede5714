#include "wire/reply.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <array>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "fake_kernel.h"
#include "wire/passthrough_abi.h"

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

/// What an answer to OPEN has in the place of `backing_id`.
std::int32_t backing_id_of(const fuse_open_out& out) {
  std::int32_t id = 0;
  std::memcpy(&id, reinterpret_cast<const char*>(&out) + sizeof out - sizeof id, sizeof id);
  return id;
}

TEST_F(ReplyTest, AnOpenInPassthroughSaysWhereTo) {
  fuse_file_info file{};
  file.fh = 42;
  file.keep_cache = 1;
  ask().opened(file, 7);
  const auto out = heard().as<fuse_open_out>();
  EXPECT_EQ(out.fh, 42U);
  EXPECT_EQ(out.open_flags, abi::kOpenPassthrough) << "the kernel takes no KEEP_CACHE beside it";
  EXPECT_EQ(backing_id_of(out), 7);
}

TEST_F(ReplyTest, ATrackedOpenKeepsTheCacheAndNamesNoBackingFile) {
  fuse_file_info file{};
  file.keep_cache = 1;
  ask().opened(file);
  const auto out = heard().as<fuse_open_out>();
  EXPECT_EQ(out.open_flags, static_cast<unsigned>(FOPEN_KEEP_CACHE));
  EXPECT_EQ(backing_id_of(out), 0);
}

TEST_F(ReplyTest, ACreateInPassthroughHasTheEntryThatItHasOtherwise) {
  struct Out {
    fuse_entry_out entry;
    fuse_open_out open;
  };
  fuse_entry_param entry{};
  entry.ino = 5;
  entry.generation = 6;
  entry.entry_timeout = 1.5;
  entry.attr_timeout = 24 * 3600;
  entry.attr.st_ino = 11;
  entry.attr.st_mode = S_IFREG | 0640;
  entry.attr.st_nlink = 1;
  entry.attr.st_uid = 12;
  entry.attr.st_gid = 13;
  entry.attr.st_size = 1LL << 40;
  entry.attr.st_blocks = 14;
  entry.attr.st_blksize = 4096;
  entry.attr.st_atim = {15, 16};
  entry.attr.st_mtim = {17, 18};
  entry.attr.st_ctim = {19, 20};
  fuse_file_info file{};
  file.fh = 42;
  ask().created(entry, file);
  const Out tracked = heard().as<Out>();
  ask().created(entry, file, 7);
  const Out passed = heard().as<Out>();
  EXPECT_EQ(std::memcmp(&passed.entry, &tracked.entry, sizeof passed.entry), 0);
  EXPECT_EQ(passed.open.fh, 42U);
  EXPECT_EQ(passed.open.open_flags, abi::kOpenPassthrough);
  EXPECT_EQ(backing_id_of(passed.open), 7);
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
