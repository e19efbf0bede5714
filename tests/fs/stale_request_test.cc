#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fake_kernel.h"
#include "fuse_requests.h"
#include "ops/core.h"
#include "ops/dispatch.h"
#include "scratch.h"
#include "wire/readers.h"

// Requests that name what is not there: inodes that were never looked up or have been forgotten, handles that
// are closed, made up or of the other kind. The kernel sends none of them as long as it agrees with us on
// what it knows; they are answered all the same.

namespace sluicefs {
namespace {

/// The daemon's own operations, on a directory that has a file "f", with the fake kernel.
class StaleRequest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::ofstream(scratch_.at("f")) << kContent;
    scratch_.directory("d");
    sluice::UniqueFd source(::open(scratch_.path().c_str(), O_RDONLY | O_CLOEXEC));
    tree_ = std::move(*Tree::open(std::move(source)));
    engine_ = std::make_unique<sluice::SyncEngine>(
        sluice::EngineOptions{}, std::move(*sluice::make_backend(sluice::BackendChoice::threads, 1)));
    core_.reset(new Core{.tree = *tree_, .engine = *engine_, .timeouts = {}});
    kernel_ = std::make_unique<FakeKernel>(operations(), core_.get());
    readers_ = std::make_unique<Readers>(kernel_->session());
    core_->session = &kernel_->session();
    core_->readers = readers_.get();
    kernel_->init(FUSE_DO_READDIRPLUS | FUSE_MAX_PAGES);
  }
  void TearDown() override {
    engine_.reset();  // It answers by the session.
  }

  /// The answer to a request.
  Answer ask(std::uint64_t node, std::uint32_t opcode, const Argument& argument) {
    const std::uint64_t unique = kernel_->send_to(node, opcode, argument.bytes());
    EXPECT_TRUE(kernel_->serve());
    const auto answer = kernel_->receive();
    EXPECT_TRUE(answer && answer->unique == unique) << "request " << opcode;
    return answer.value_or(Answer{});
  }
  int error_of(std::uint64_t node, std::uint32_t opcode, const Argument& argument) {
    return -ask(node, opcode, argument).error;
  }
  void tell(std::uint64_t node, std::uint32_t opcode, const Argument& argument) {
    kernel_->send_to(node, opcode, argument.bytes());
    EXPECT_TRUE(kernel_->serve());
    EXPECT_FALSE(kernel_->receive()) << "it takes no answer";
  }

  std::uint64_t look_up(const char* name) {
    return ask(FUSE_ROOT_ID, FUSE_LOOKUP, Argument().name(name)).as<fuse_entry_out>().nodeid;
  }
  void forget(std::uint64_t node, std::uint64_t lookups) {
    tell(node, FUSE_FORGET, Argument().with(filled<fuse_forget_in>([&](auto& in) { in.nlookup = lookups; })));
  }
  std::uint64_t open(std::uint64_t node) {
    return ask(node, FUSE_OPEN, Argument().with(filled<fuse_open_in>([&](auto& in) { in.flags = O_RDWR; })))
        .as<fuse_open_out>()
        .fh;
  }
  std::uint64_t open_root() {
    return ask(FUSE_ROOT_ID, FUSE_OPENDIR, Argument().with(fuse_open_in{})).as<fuse_open_out>().fh;
  }
  int close(std::uint32_t opcode, std::uint64_t node, std::uint64_t fh) {
    return error_of(node, opcode, Argument().with(filled<fuse_release_in>([&](auto& in) { in.fh = fh; })));
  }

  void expect_stale(std::uint64_t node) {
    for (const ByNode& request : requests_by_node()) {
      EXPECT_EQ(error_of(node, request.opcode, request.argument), ESTALE) << "request " << request.opcode;
    }
    expect_sound();
  }
  void expect_bad(const std::vector<ByHandle>& requests, std::uint64_t node, std::uint64_t fh) {
    for (const ByHandle& request : requests) {
      EXPECT_EQ(error_of(node, request.opcode, request.argument(fh)), EBADF) << "request " << request.opcode;
    }
    expect_sound();
  }
  /// What was refused has left no trace, and the file can be looked up, opened and read.
  void expect_sound() {
    std::string there;
    std::getline(std::ifstream(scratch_.at("f")), there);
    EXPECT_EQ(there, kContent);
    EXPECT_NE(::access(scratch_.at("n").c_str(), F_OK), 0);
    const std::uint64_t node = look_up("f");
    const std::uint64_t fh = open(node);
    const Answer read = ask(node, FUSE_READ, Argument().with(filled<fuse_read_in>([&](auto& in) {
      in.fh = fh;
      in.size = 4096;
    })));
    EXPECT_EQ(std::string(read.payload.data(), read.payload.size()), kContent);
    EXPECT_EQ(close(FUSE_RELEASE, node, fh), 0);
    forget(node, 1);
  }

  static constexpr const char* kContent = "content";
  static constexpr std::uint64_t kUnknown = 1'000'000;

  Scratch scratch_;
  std::unique_ptr<Tree> tree_;
  std::unique_ptr<sluice::SyncEngine> engine_;
  std::unique_ptr<Core> core_;
  std::unique_ptr<FakeKernel> kernel_;
  std::unique_ptr<Readers> readers_;
};

TEST_F(StaleRequest, AnInodeThatWasNeverLookedUpIsStale) {
  for (const std::uint64_t node : {std::uint64_t{0}, kUnknown, ~std::uint64_t{0}}) expect_stale(node);
  EXPECT_EQ(tree_->nodes().size(), 1U);
}

TEST_F(StaleRequest, AnInodeThatWasForgottenIsStale) {
  const std::uint64_t node = look_up("f");
  EXPECT_EQ(look_up("f"), node);
  forget(node, 2);
  expect_stale(node);
  EXPECT_EQ(tree_->nodes().size(), 1U);
}

TEST_F(StaleRequest, TheNumberOfAForgottenInodeIsNotUsedAgain) {
  const std::uint64_t node = look_up("f");
  forget(node, 1);
  EXPECT_NE(look_up("f"), node);
}

TEST_F(StaleRequest, WhatIsMovedOrLinkedToAnUnknownDirectoryStays) {
  EXPECT_EQ(error_of(FUSE_ROOT_ID, FUSE_RENAME,
                     Argument()
                         .with(filled<fuse_rename_in>([&](auto& in) { in.newdir = kUnknown; }))
                         .name("f")
                         .name("n")),
            ESTALE);
  EXPECT_EQ(
      error_of(FUSE_ROOT_ID, FUSE_LINK,
               Argument().with(filled<fuse_link_in>([&](auto& in) { in.oldnodeid = kUnknown; })).name("n")),
      ESTALE);
  expect_sound();
}

TEST_F(StaleRequest, AHandleThatWasMadeUpIsBad) {
  const std::uint64_t node = look_up("f");
  for (const std::uint64_t fh : {std::uint64_t{0}, kUnknown, ~std::uint64_t{0}}) {
    expect_bad(requests_by_file(), node, fh);
    expect_bad(requests_by_directory(), FUSE_ROOT_ID, fh);
  }
}

TEST_F(StaleRequest, AHandleThatWasClosedIsBad) {
  const std::uint64_t node = look_up("f");
  const std::uint64_t file = open(node);
  const std::uint64_t directory = open_root();
  EXPECT_EQ(close(FUSE_RELEASE, node, file), 0);
  EXPECT_EQ(close(FUSE_RELEASEDIR, FUSE_ROOT_ID, directory), 0);
  const std::uint64_t reused = open(node);
  expect_bad(requests_by_file(), node, file);
  expect_bad(requests_by_directory(), FUSE_ROOT_ID, directory);
  EXPECT_EQ(close(FUSE_RELEASE, node, file), 0) << "twice";
  EXPECT_EQ(core_->files.size(), 1U) << "and the one that has its place is still open";
  EXPECT_EQ(close(FUSE_RELEASE, node, reused), 0);
}

TEST_F(StaleRequest, AHandleOfTheOtherKindIsBad) {
  const std::uint64_t node = look_up("f");
  const std::uint64_t file = open(node);
  const std::uint64_t directory = open_root();
  expect_bad(requests_by_file(), node, directory);
  expect_bad(requests_by_directory(), FUSE_ROOT_ID, file);
  EXPECT_EQ(close(FUSE_RELEASEDIR, FUSE_ROOT_ID, file), 0);
  EXPECT_EQ(core_->files.size(), 1U);
  EXPECT_EQ(close(FUSE_RELEASE, node, directory), 0);
  EXPECT_EQ(core_->directories.size(), 1U);
}

TEST_F(StaleRequest, AFileThatIsForgottenWhileItIsOpenIsReadByItsHandle) {
  const std::uint64_t node = look_up("f");
  const std::uint64_t fh = open(node);
  forget(node, 1);
  EXPECT_EQ(ask(node, FUSE_READ, Argument().with(filled<fuse_read_in>([&](auto& in) {
              in.fh = fh;
              in.size = 4096;
            }))).payload.size(),
            std::string_view(kContent).size());
  EXPECT_EQ(close(FUSE_RELEASE, node, fh), 0);
  expect_sound();
}

TEST_F(StaleRequest, MoreIsForgottenThanWasLookedUp) {
  const std::uint64_t node = look_up("f");
  forget(node, ~std::uint64_t{0});
  forget(node, 1);
  forget(kUnknown, 1);
  forget(FUSE_ROOT_ID, ~std::uint64_t{0});
  tell(0, FUSE_BATCH_FORGET,
       Argument()
           .with(filled<fuse_batch_forget_in>([&](auto& in) { in.count = 2; }))
           .with(filled<fuse_forget_one>([&](auto& in) {
             in.nodeid = node;
             in.nlookup = 1;
           }))
           .with(filled<fuse_forget_one>([&](auto& in) {
             in.nodeid = kUnknown;
             in.nlookup = 1;
           })));
  expect_sound();
  EXPECT_EQ(tree_->nodes().size(), 1U);
}

TEST_F(StaleRequest, WhatIsNoFileIsNeverOpenedByTheDaemon) {
  ASSERT_EQ(::mkfifo(scratch_.at("fifo").c_str(), 0600), 0);
  ASSERT_EQ(::symlink("f", scratch_.at("link").c_str()), 0);
  for (const char* const name : {"fifo", "link", "d"}) {
    const std::uint64_t node = look_up(name);
    EXPECT_EQ(
        error_of(node, FUSE_OPEN,
                 Argument().with(filled<fuse_open_in>([](auto& in) { in.flags = O_WRONLY | O_TRUNC; }))),
        ESTALE)
        << name;
    EXPECT_EQ(error_of(node, FUSE_SETATTR,
                       Argument().with(filled<fuse_setattr_in>([](auto& in) { in.valid = FATTR_SIZE; }))),
              EINVAL)
        << name;
    const Argument create = Argument()
                                .with(filled<fuse_create_in>([](auto& in) {
                                  in.flags = O_WRONLY | O_CREAT;
                                  in.mode = 0600;
                                }))
                                .name(name);
    EXPECT_EQ(error_of(FUSE_ROOT_ID, FUSE_CREATE, create), ESTALE) << name << ", made behind the mount";
    forget(node, 1);
  }
  EXPECT_EQ(tree_->nodes().size(), 1U);
  expect_sound();
}

TEST_F(StaleRequest, ANameThatLeadsOutOfTheSourceIsNone) {
  for (const char* const name : {"..", ".", "", "d/..", "/etc", "f/"}) {
    EXPECT_EQ(error_of(FUSE_ROOT_ID, FUSE_LOOKUP, Argument().name(name)), EINVAL) << name;
  }
  expect_sound();
}

TEST_F(StaleRequest, WhatNobodyServesIsAnswered) {
  constexpr std::uint32_t kNoSuchRequest = 999;
  for (const std::uint32_t opcode : {std::uint32_t{FUSE_IOCTL}, std::uint32_t{FUSE_POLL},
                                     std::uint32_t{FUSE_BMAP}, std::uint32_t{FUSE_GETLK}, kNoSuchRequest}) {
    const Argument zeros = Argument().with(std::array<char, 128>{});
    EXPECT_EQ(error_of(FUSE_ROOT_ID, opcode, zeros), ENOSYS) << "request " << opcode;
  }
  expect_sound();
}

}  // namespace
}  // namespace sluicefs
