#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <future>
#include <string>
#include <vector>

#include "contract_fixture.h"
#include "contract_ways.h"
#include "eventually.h"
#include "mount_files.h"

// What the engine promises beyond the manual pages, for each way in which a program can ask for a sync.

namespace sluice::testing {
namespace {

class ContractWays : public ContractTest, public ::testing::WithParamInterface<Way> {
 protected:
  static int sync(int fd) { return GetParam().sync(fd); }
};

TEST_P(ContractWays, Contract_E1_WriteByAnotherDescriptorIsCovered) {
  const UniqueFd& fd = open_durable("f");
  const UniqueFd other = open_file(at("f"), O_WRONLY);
  ASSERT_EQ(::pwrite(other.get(), "y", 1, 0), 1);
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(sync(fd.get()), 0); }), kOneSync);
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(::fdatasync(other.get()), 0); }), kElided);
}

TEST_P(ContractWays, Contract_E1_WriteAfterTheSyncIsNotClaimed) {
  const UniqueFd& fd = open_dirty("f");
  ASSERT_EQ(sync(fd.get()), 0);
  ASSERT_EQ(::pwrite(fd.get(), "y", 1, 0), 1);
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(sync(fd.get()), 0); }), kOneSync);
}

TEST_P(ContractWays, Contract_E2_FailureIsToldToWhoeverAsksLater) {
  const UniqueFd& fd = open_dirty("f");
  fail_with(EIO);
  EXPECT_EQ(sync(fd.get()), EIO);
  release();
  const UniqueFd later = open_file(at("f"), O_RDWR);
  for (const Way& way : kWays) {
    for (const int asked : {fd.get(), later.get()}) EXPECT_EQ(way.sync(asked), EIO) << way.name;
  }
}

TEST_P(ContractWays, Contract_E2_LaterWriteDoesNotCoverAFailureUp) {
  const UniqueFd& fd = open_dirty("f");
  fail_with(EIO);
  ASSERT_EQ(sync(fd.get()), EIO);
  release();
  ASSERT_EQ(::pwrite(fd.get(), "y", 1, 0), 1);
  EXPECT_EQ(sync(fd.get()), EIO);
}

TEST_P(ContractWays, Contract_E3_DurableFileCostsNothing) {
  const UniqueFd& fd = open_durable("f");
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(sync(fd.get()), 0); }), kElided);
}

TEST_P(ContractWays, Contract_E4_SyncSatisfiesAFullOneOnlyIfItIsFull) {
  const UniqueFd& fd = open_dirty("f");
  ASSERT_EQ(sync(fd.get()), 0);
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(::fdatasync(fd.get()), 0); }), kElided);
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(::fsync(fd.get()), 0); }),
            GetParam().kind == SyncKind::full ? kElided : kOneSync);
}

TEST_P(ContractWays, Contract_E4_OneSyncServesAllWhoWait) {
  constexpr std::size_t kCallers = 4;
  const UniqueFd& fd = open_dirty("f");
  hold();
  std::vector<std::future<int>*> callers;
  for (std::size_t i = 0; i < kCallers; ++i) callers.push_back(&start([&] { return sync(fd.get()); }));
  ASSERT_TRUE(holds(1));
  for (const std::future<int>* caller : callers) EXPECT_FALSE(has_ended(*caller));
  answer_nth(0, SyncAnswer::success());
  for (std::future<int>* caller : callers) EXPECT_EQ(result_of(*caller), 0);
  EXPECT_EQ(reached(), 1U);
}

TEST_P(ContractWays, Contract_E5_HeldSyncHoldsUpNoOtherFile) {
  const UniqueFd& fd = open_dirty("f");
  hold();
  start([&] { return sync(fd.get()); });
  ASSERT_TRUE(holds(1));
  const UniqueFd& other = open_dirty("other");
  EXPECT_EQ(content(at("other")), "x");
  std::future<int>& caller = start([&] { return sync(other.get()); });
  ASSERT_TRUE(holds(2));
  answer_nth(1, SyncAnswer::success());
  EXPECT_EQ(result_of(caller), 0);
  EXPECT_EQ(device().in_flight().size(), 1U);
}

TEST_P(ContractWays, Contract_E6_SyncsThatTheDeviceHasNoRoomForWaitTheirTurn) {
  // Not more than glibc has threads for (20).
  constexpr std::size_t kFiles = 2 * kPlaces;
  std::vector<int> files;
  for (std::size_t i = 0; i < kFiles; ++i) files.push_back(open_dirty(std::to_string(i)).get());
  const SyncCounts before = mount().counts();
  hold();
  std::vector<std::future<int>*> callers;
  for (const int file : files) callers.push_back(&start([file] { return sync(file); }));
  ASSERT_TRUE(eventually([&] { return mount().counts().barriers - before.barriers == kFiles; }));
  ASSERT_TRUE(eventually([&] { return reached() == kPlaces; }));
  ASSERT_TRUE(device().wait_until_idle());
  EXPECT_EQ(reached(), kPlaces);
  release();
  for (std::future<int>* caller : callers) EXPECT_EQ(result_of(*caller), 0);
}

INSTANTIATE_TEST_SUITE_P(Ways, ContractWays, ::testing::ValuesIn(kWays),
                         [](const auto& way) { return way.param.name; });

}  // namespace
}  // namespace sluice::testing
