#include "wire/wire.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <chrono>
#include <span>

#include "fake_kernel.h"
#include "wire/passthrough_abi.h"
#include "wire/raw_request.h"

namespace sluicefs {
namespace {

constexpr std::uint64_t kAll = ~std::uint64_t{0};
constexpr auto kNoTime = std::chrono::steady_clock::time_point::min();

std::uint64_t flags_of(const fuse_init_out& out) {
  return out.flags | (static_cast<std::uint64_t>(out.flags2) << 32);
}

/// Keeps what the request said besides, and answers.
struct Seen {
  std::optional<bool> drop_setid;
  bool nameless = false;
};

void note(fuse_req_t request) {
  auto& seen = *static_cast<Seen*>(Session::context_of(request));
  seen = {Session::raw_request().drop_setid, Session::raw_request().nameless};
  fuse_reply_err(request, EACCES);
}

fuse_lowlevel_ops noting_operations() {
  fuse_lowlevel_ops operations{};
  operations.getattr = [](fuse_req_t request, fuse_ino_t, fuse_file_info*) { note(request); };
  operations.setattr = [](fuse_req_t request, fuse_ino_t, struct stat*, int, fuse_file_info*) {
    note(request);
  };
  operations.open = [](fuse_req_t request, fuse_ino_t, fuse_file_info*) { note(request); };
  operations.create = [](fuse_req_t request, fuse_ino_t, const char*, mode_t, fuse_file_info*) {
    note(request);
  };
  operations.write = [](fuse_req_t request, fuse_ino_t, const char*, size_t, off_t, fuse_file_info*) {
    note(request);
  };
  return operations;
}

class SessionTest : public ::testing::Test {
 protected:
  /// What the operation saw in a request.
  template <typename In>
  std::optional<bool> drop_setid_of(std::uint32_t opcode, const In& in) {
    seen_ = {};
    kernel_.send(opcode, in);
    EXPECT_TRUE(kernel_.serve());
    const auto answer = kernel_.receive();
    EXPECT_TRUE(answer && answer->error == -EACCES);
    return seen_.drop_setid;
  }

  Seen seen_;
  FakeKernel kernel_{noting_operations(), &seen_};
};

TEST_F(SessionTest, InitTakesTheDutyToDropSetuidBitsWhereItIsOffered) {
  EXPECT_NE(kernel_.init(kAll).flags & FUSE_HANDLE_KILLPRIV_V2, 0U);
  const auto facts = kernel_.session().wait_for_init(kNoTime);
  ASSERT_TRUE(facts);
  EXPECT_TRUE(facts->handle_killpriv_v2);
  EXPECT_EQ(facts->protocol_major, static_cast<unsigned>(FUSE_KERNEL_VERSION));
}

TEST_F(SessionTest, InitDoesNotAskForWhatIsNotOffered) {
  const fuse_init_out out = kernel_.init(0);
  EXPECT_EQ(flags_of(out) & FUSE_HANDLE_KILLPRIV_V2, 0U);
  EXPECT_FALSE(kernel_.session().wait_for_init(kNoTime)->handle_killpriv_v2);
}

TEST_F(SessionTest, InitLeavesAloneWhatWouldCostDurability) {
  const std::uint64_t flags = flags_of(kernel_.init(kAll));
  EXPECT_EQ(flags & FUSE_WRITEBACK_CACHE, 0U) << "sizes and times would be the kernel's, short writes lost";
  EXPECT_EQ(flags & FUSE_ASYNC_DIO, 0U) << "FSYNC could overtake direct writes";
  EXPECT_EQ(flags & (FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS), 0U) << "locks are the kernel's own";
  EXPECT_EQ(flags & FUSE_HANDLE_KILLPRIV, 0U)
      << "the first version drops the bits on every write, root's too";
}

TEST_F(SessionTest, InitTakesWhatMakesItFast) {
  const std::uint64_t flags = flags_of(kernel_.init(kAll));
  for (const int flag : {FUSE_ASYNC_READ, FUSE_ATOMIC_O_TRUNC, FUSE_DONT_MASK, FUSE_DO_READDIRPLUS,
                         FUSE_PARALLEL_DIROPS, FUSE_POSIX_ACL, FUSE_CACHE_SYMLINKS, FUSE_BIG_WRITES}) {
    EXPECT_NE(flags & static_cast<unsigned>(flag), 0U) << flag;
  }
}

TEST_F(SessionTest, InitAsksForNoPassthroughUnlessItIsWanted) {
  EXPECT_EQ(flags_of(kernel_.init(kAll)) & abi::kPassthrough, 0U);
  EXPECT_FALSE(kernel_.session().wait_for_init(kNoTime)->passthrough);
}

TEST_F(SessionTest, TheKernelIsNotToDropPagesBecauseOfATime) {
  EXPECT_EQ(kernel_.init(kAll).flags & FUSE_AUTO_INVAL_DATA, 0U);
}

TEST_F(SessionTest, WaitingForInitEndsAtItsDeadline) {
  EXPECT_FALSE(kernel_.session().wait_for_init(kNoTime));
}

TEST_F(SessionTest, AProtocolThatIsTooOldIsNoInit) {
  fuse_init_in in{};
  in.major = 6;
  kernel_.send(FUSE_INIT, in);
  kernel_.serve();
  const auto answer = kernel_.receive();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->error, -EPROTO);
  EXPECT_FALSE(kernel_.session().wait_for_init(kNoTime));
}

TEST_F(SessionTest, RequestsThatDropSetuidBitsSaySo) {
  kernel_.init(kAll);
  fuse_write_in write{};
  EXPECT_EQ(drop_setid_of(FUSE_WRITE, write), false);
  write.write_flags = FUSE_WRITE_KILL_SUIDGID;
  EXPECT_EQ(drop_setid_of(FUSE_WRITE, write), true);

  fuse_setattr_in setattr{};
  EXPECT_EQ(drop_setid_of(FUSE_SETATTR, setattr), false);
  setattr.valid = FATTR_SIZE | FATTR_KILL_SUIDGID;
  EXPECT_EQ(drop_setid_of(FUSE_SETATTR, setattr), true);

  fuse_open_in open{};
  EXPECT_EQ(drop_setid_of(FUSE_OPEN, open), false);
  open.open_flags = FUSE_OPEN_KILL_SUIDGID;
  EXPECT_EQ(drop_setid_of(FUSE_OPEN, open), true);

  struct {
    fuse_create_in in{};
    std::array<char, 8> name{'f'};
  } create;
  EXPECT_EQ(drop_setid_of(FUSE_CREATE, create), false);
  create.in.open_flags = FUSE_OPEN_KILL_SUIDGID;
  EXPECT_EQ(drop_setid_of(FUSE_CREATE, create), true);
}

TEST(RawRequest, OfWhatTheKernelDoesNotSayNobodyButRootKeepsSetuidBits) {
  constexpr std::uint32_t kCopyFileRange64 = 53;
  for (const std::uint32_t opcode : {std::uint32_t(FUSE_FALLOCATE), std::uint32_t(FUSE_COPY_FILE_RANGE),
                                     kCopyFileRange64, std::uint32_t(FUSE_SETXATTR)}) {
    fuse_in_header header{};
    header.opcode = opcode;
    const std::span<char> request(reinterpret_cast<char*>(&header), sizeof header);
    EXPECT_FALSE(take_raw_request(request).drop_setid) << opcode;
    header.uid = 1;
    EXPECT_TRUE(take_raw_request(request).drop_setid) << opcode;
    header.opcode = FUSE_GETXATTR;
    EXPECT_FALSE(take_raw_request(request).drop_setid);
  }
}

TEST_F(SessionTest, WhatARequestSaidDoesNotStickToTheNext) {
  kernel_.init(kAll);
  fuse_write_in write{};
  write.write_flags = FUSE_WRITE_KILL_SUIDGID;
  EXPECT_EQ(drop_setid_of(FUSE_WRITE, write), true);
  EXPECT_EQ(drop_setid_of(FUSE_GETATTR, fuse_getattr_in{}), false);
}

TEST_F(SessionTest, ATmpfileIsACreateThatSaysSo) {
  kernel_.init(kAll);
  struct {
    fuse_create_in in{};
    std::array<char, 8> name{'/'};
  } create;
  EXPECT_TRUE(drop_setid_of(FUSE_TMPFILE, create)) << "served by the operation";
  EXPECT_TRUE(seen_.nameless);
  EXPECT_TRUE(drop_setid_of(FUSE_CREATE, create));
  EXPECT_FALSE(seen_.nameless);
}

TEST_F(SessionTest, AConnectionThatHungUpHasEnded) {
  kernel_.init(kAll);
  EXPECT_FALSE(kernel_.session().ended());
  kernel_.hang_up();
  EXPECT_FALSE(kernel_.serve());
  EXPECT_TRUE(kernel_.session().ended());
}

TEST_F(SessionTest, ASessionThatWasEndedReceivesNothingMore) {
  kernel_.init(kAll);
  kernel_.send(FUSE_GETATTR, fuse_getattr_in{});
  kernel_.session().end();
  EXPECT_FALSE(kernel_.serve());
  EXPECT_FALSE(seen_.drop_setid);
}

TEST(SessionOptionsTest, WhatLibfuseDoesNotKnowIsRefusedInItsWords) {
  SessionOptions options;
  options.mount_options = {"frobnicate"};
  const auto session = Session::create(options, noting_operations(), nullptr);
  ASSERT_FALSE(session);
  EXPECT_NE(session.error().find("frobnicate"), std::string::npos) << session.error();
}

/// `max_stack_depth`, which follows `flags2`.
std::uint32_t stack_depth_of(const fuse_init_out& out) {
  std::uint32_t depth = 0;
  std::memcpy(&depth, reinterpret_cast<const char*>(&out.flags2) + sizeof out.flags2, sizeof depth);
  return depth;
}

TEST(SessionOptionsTest, PassthroughIsAskedForWhereItIsOffered) {
  Seen seen;
  SessionOptions options;
  options.passthrough = true;
  for (const bool offered : {true, false}) {
    FakeKernel kernel(noting_operations(), &seen, options);
    const fuse_init_out out = kernel.init(offered ? kAll : kAll & ~abi::kPassthrough);
    EXPECT_EQ((flags_of(out) & abi::kPassthrough) != 0, offered);
    EXPECT_EQ(stack_depth_of(out), offered ? 1U : 0U);
    EXPECT_TRUE(!offered || (out.flags & FUSE_INIT_EXT) != 0) << "or the kernel reads no flags2";
    EXPECT_EQ(kernel.session().wait_for_init(kNoTime)->passthrough, offered);
  }
}

TEST(SessionOptionsTest, AttachingToWhatIsNoDescriptorFails) {
  auto session = Session::create({}, noting_operations(), nullptr);
  ASSERT_TRUE(session);
  EXPECT_FALSE((*session)->attach(sluice::UniqueFd()));
}

}  // namespace
}  // namespace sluicefs
