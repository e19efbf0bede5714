#include "source/node_table.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <set>
#include <thread>

namespace sluicefs {
namespace {

constexpr NodeId kRoot = 1;  // FUSE_ROOT_ID

sluice::FileKey key(ino_t inode, std::uint64_t generation = 0) {
  return {1, inode, generation};
}

NodeIdentity file(ino_t inode, std::uint64_t generation = 0) {
  NodeIdentity identity;
  identity.key = key(inode, generation);
  identity.type = S_IFREG;
  return identity;
}

class NodeTableTest : public ::testing::Test {
 protected:
  NodeId remember(ino_t inode, NodeId parent = kRoot, std::string_view name = "f") {
    return table_.remember(file(inode), parent, name)->id();
  }
  NodeTable table_{file(2)};
};

TEST_F(NodeTableTest, TheRootIsThereFromTheStartAndCannotBeForgotten) {
  ASSERT_TRUE(table_.find(kRoot));
  EXPECT_EQ(table_.find(kRoot), table_.find({key(2)}));
  EXPECT_FALSE(table_.forget(kRoot, 1));
  EXPECT_FALSE(table_.forget(kRoot, ~std::uint64_t{0}));
  EXPECT_TRUE(table_.find(kRoot));
  EXPECT_EQ(table_.size(), 1U);
}

TEST_F(NodeTableTest, AnInodeIsOneNodeHoweverOftenItIsMet) {
  const NodePtr first = table_.remember(file(10), kRoot, "a");
  EXPECT_EQ(table_.remember(file(10), kRoot, "another-name"), first);
  EXPECT_EQ(table_.find(first->id()), first);
  EXPECT_EQ(table_.find({key(10)}), first);
  EXPECT_EQ(table_.size(), 2U);
}

TEST_F(NodeTableTest, MeetingTheRootAgainMakesNoNodeAndNoName) {
  EXPECT_EQ(table_.remember(file(2), 77, "loop")->id(), kRoot);
  EXPECT_EQ(table_.path(kRoot), ".");
  EXPECT_EQ(table_.size(), 1U);
}

TEST_F(NodeTableTest, TwoOwnersOfAnInodeNumberAreTwoNodes) {
  const NodePtr old = table_.remember(file(10, 1), kRoot, "f");
  const NodePtr recent = table_.remember(file(10, 2), kRoot, "f");
  EXPECT_NE(old->id(), recent->id());
  EXPECT_EQ(table_.find({key(10, 1)}), old);
  EXPECT_EQ(table_.find({key(10, 2)}), recent);
}

TEST_F(NodeTableTest, ANodeGoesWithTheLastOfItsLookups) {
  const NodeId id = remember(10);
  remember(10);
  remember(10);
  EXPECT_FALSE(table_.forget(id, 2));
  EXPECT_TRUE(table_.find(id));
  EXPECT_TRUE(table_.forget(id, 1));
  EXPECT_FALSE(table_.find(id));
  EXPECT_FALSE(table_.find({key(10)}));
  EXPECT_EQ(table_.size(), 1U);
}

TEST_F(NodeTableTest, ForgettingMoreThanThereWereIsForgettingAll) {
  const NodeId id = remember(10);
  EXPECT_TRUE(table_.forget(id, 1000));
  EXPECT_FALSE(table_.forget(id, 1));
}

TEST_F(NodeTableTest, ForgettingNothingChangesNothing) {
  const NodeId id = remember(10);
  EXPECT_FALSE(table_.forget(id, 0));
  EXPECT_TRUE(table_.find(id));
}

TEST_F(NodeTableTest, ANumberIsNeverUsedAgain) {
  std::set<NodeId> seen{kRoot};
  for (ino_t inode = 10; inode < 40; ++inode) {
    const NodeId id = remember(inode);
    EXPECT_TRUE(seen.insert(id).second);
    table_.forget(id, 1);
  }
  EXPECT_TRUE(seen.insert(remember(10)).second);
}

TEST_F(NodeTableTest, StaleAndForgedNumbersFindNothing) {
  const NodeId id = remember(10);
  table_.forget(id, 1);
  for (const NodeId wrong : {NodeId{0}, id, id + 1, NodeId{1} << 63, ~NodeId{0}}) {
    EXPECT_FALSE(table_.find(wrong)) << wrong;
    EXPECT_FALSE(table_.forget(wrong, 1)) << wrong;
  }
}

TEST_F(NodeTableTest, AForgottenNodeLivesWhileSomebodyUsesIt) {
  const NodePtr held = table_.remember(file(10), kRoot, "f");
  table_.forget(held->id(), 1);
  EXPECT_EQ(held->key(), key(10));
}

TEST_F(NodeTableTest, AForgottenNodesDescriptorIsClosed) {
  NodeIdentity pinned = file(10);
  const int fd = ::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  pinned.pinned = std::make_shared<const sluice::UniqueFd>(fd);
  const NodeId id = table_.remember(std::move(pinned), kRoot, "f")->id();
  EXPECT_EQ(::fcntl(fd, F_GETFD), FD_CLOEXEC);
  table_.forget(id, 1);
  EXPECT_EQ(::fcntl(fd, F_GETFD), -1);
}

TEST_F(NodeTableTest, APathGoesUpToTheRoot) {
  EXPECT_EQ(table_.path(kRoot), ".");
  const NodeId a = remember(10, kRoot, "a");
  const NodeId b = remember(11, a, "b");
  const NodeId c = remember(12, b, "c");
  EXPECT_EQ(table_.path(a), "a");
  EXPECT_EQ(table_.path(c), "a/b/c");
}

TEST_F(NodeTableTest, APathThroughAForgottenDirectorySaysSo) {
  const NodeId a = remember(10, kRoot, "a");
  const NodeId b = remember(11, a, "b");
  table_.forget(a, 1);
  EXPECT_EQ(table_.path(b), "?/b");
  EXPECT_EQ(table_.path(a), "?/");
}

TEST_F(NodeTableTest, APathFollowsARename) {
  const NodeId a = remember(10, kRoot, "a");
  const NodeId b = remember(11, kRoot, "b");
  const NodeId f = remember(12, a, "f");
  table_.renamed({key(12)}, b, "g");
  EXPECT_EQ(table_.path(f), "b/g");
  table_.renamed({key(11)}, a, "b2");
  EXPECT_EQ(table_.path(f), "a/b2/g");
}

TEST_F(NodeTableTest, ARenameOfWhatIsNotKnownOrIsTheRootChangesNothing) {
  table_.renamed({key(99)}, kRoot, "x");
  table_.renamed({key(2)}, 77, "x");
  EXPECT_EQ(table_.path(kRoot), ".");
  EXPECT_EQ(table_.size(), 1U);
}

TEST_F(NodeTableTest, TheNameThatAnInodeWasMetByLastCounts) {
  const NodeId f = remember(10, kRoot, "first");
  remember(10, kRoot, "second");
  EXPECT_EQ(table_.path(f), "second");
}

TEST_F(NodeTableTest, ARingOfDirectoriesHasAPathThatEnds) {
  const NodeId a = remember(10, kRoot, "a");
  const NodeId b = remember(11, a, "b");
  table_.renamed({key(10)}, b, "a");  // Moved behind the mount, half of it seen.
  const std::string path = table_.path(a);
  EXPECT_TRUE(path.starts_with("?/"));
  EXPECT_LT(path.size(), 70'000U);
}

TEST_F(NodeTableTest, OnlyWhatWasOpenForWritingMayBeMapped) {
  const NodeId a = remember(10);
  remember(11);
  table_.find(a)->set_maybe_mapped();
  EXPECT_EQ(table_.maybe_mapped(), std::vector<NodeId>{a});
  table_.forget(a, 1);
  EXPECT_TRUE(table_.maybe_mapped().empty());
}

TEST_F(NodeTableTest, AnOpenFileOfANodeIsFoundWhileItIsOpen) {
  const NodePtr node = table_.remember(file(10), kRoot, "f");
  EXPECT_FALSE(node->nameless_fd());
  auto fd = std::make_shared<const sluice::UniqueFd>(::open("/", O_PATH | O_CLOEXEC));
  node->set_open_fd(fd);
  EXPECT_EQ(node->nameless_fd(), fd);
  fd.reset();
  EXPECT_FALSE(node->nameless_fd());
}

TEST_F(NodeTableTest, LookupsOfManyThreadsAddUp) {
  constexpr int kThreads = 4;
  constexpr int kEach = 500;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([this] {
      for (int round = 0; round < kEach; ++round) {
        remember(10);
        table_.forget(remember(static_cast<ino_t>(100 + round)), 1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const NodeId shared = table_.find({key(10)})->id();
  EXPECT_FALSE(table_.forget(shared, kThreads * kEach - 1));
  EXPECT_TRUE(table_.forget(shared, 1));
  EXPECT_EQ(table_.size(), 1U);
}

}  // namespace
}  // namespace sluicefs
