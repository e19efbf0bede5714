#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <map>
#include <string>

#include "contract_fixture.h"
#include "contract_ring.h"
#include "mount_files.h"

// What a program gets from io_uring's FSYNC on a mounted directory. The ring keeps no order between a write
// and a later FSYNC unless they are linked.

namespace sluice::testing {
namespace {

using Results = std::map<std::uint64_t, int>;

class ContractUring : public ContractTest {
 protected:
  Ring& ring() { return ring_; }

 private:
  Ring ring_;
};

TEST_F(ContractUring, Contract_P3_SubmitReturnsWhileTheDeviceIsBusy) {
  const UniqueFd& fd = open_dirty("f");
  hold();
  ring().prepare_sync(fd.get(), 0, 1);
  ASSERT_EQ(ring().submit(), 1);
  ASSERT_TRUE(holds(1));
  EXPECT_FALSE(ring().has_completions());
  release();
  EXPECT_EQ(ring().results(1), (Results{{1, 0}}));
}

TEST_F(ContractUring, Contract_P4_FsyncIsAFullSync) {
  const UniqueFd& fd = open_dirty("f");
  hold();
  ring().prepare_sync(fd.get(), 0, 1);
  ASSERT_EQ(ring().submit(), 1);
  ASSERT_TRUE(holds(1));
  EXPECT_EQ(kind_of(0), SyncKind::full);
}

TEST_F(ContractUring, Contract_P4_FsyncOfDataIsADataSync) {
  const UniqueFd& fd = open_dirty("f");
  hold();
  ring().prepare_sync(fd.get(), IORING_FSYNC_DATASYNC, 1);
  ASSERT_EQ(ring().submit(), 1);
  ASSERT_TRUE(holds(1));
  EXPECT_EQ(kind_of(0), SyncKind::data);
}

TEST_F(ContractUring, Contract_F2_WriteThatTheSyncIsLinkedToIsCovered) {
  const UniqueFd& fd = open_durable("f");
  const std::string text(100'000, 'y');
  hold();
  ring().prepare_write(fd.get(), text.data(), static_cast<unsigned>(text.size()), 1, IOSQE_IO_LINK);
  ring().prepare_sync(fd.get(), IORING_FSYNC_DATASYNC, 2);
  ASSERT_EQ(ring().submit(), 2);
  ASSERT_TRUE(holds(1));
  EXPECT_EQ(content(source("f")), text);
  release();
  EXPECT_EQ(ring().results(2), (Results{{1, static_cast<int>(text.size())}, {2, 0}}));
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(::fdatasync(fd.get()), 0); }), kElided);
}

TEST_F(ContractUring, Contract_F4_ClosedDescriptorAndPipeOfTheMountAreRefused) {
  ASSERT_EQ(::mkfifo(at("pipe").c_str(), 0644), 0);
  const UniqueFd pipe = open_file(at("pipe"), O_RDWR);
  ring().prepare_sync(-1, 0, 1);
  ASSERT_EQ(ring().submit(), 1);
  EXPECT_EQ(ring().results(1), (Results{{1, -EBADF}}));
  ring().prepare_sync(pipe.get(), 0, 2);
  ASSERT_EQ(ring().submit(), 1);
  EXPECT_EQ(ring().results(1), (Results{{2, -EINVAL}}));
}

TEST_F(ContractUring, Contract_S4_FailedWriteCancelsTheSyncThatIsLinkedToIt) {
  const UniqueFd& fd = open_dirty("f");
  EXPECT_EQ(counts_of([&] {
              ring().prepare_write(fd.get(), nullptr, 1, 1, IOSQE_IO_LINK);
              ring().prepare_sync(fd.get(), 0, 2);
              ASSERT_EQ(ring().submit(), 2);
              EXPECT_EQ(ring().results(2), (Results{{1, -EFAULT}, {2, -ECANCELED}}));
            }),
            SyncCounts{});
}

TEST_F(ContractUring, Contract_S5_SyncWithoutACompletionStillHappens) {
  const UniqueFd& fd = open_dirty("f");
  hold();
  ring().prepare_sync(fd.get(), 0, 1, IOSQE_CQE_SKIP_SUCCESS);
  ASSERT_EQ(ring().submit(), 1);
  ASSERT_TRUE(holds(1));
  release();
  // Behind the first, for the kernel does one sync of an inode at a time.
  ring().prepare_sync(fd.get(), 0, 2);
  ASSERT_EQ(ring().submit(), 1);
  EXPECT_EQ(ring().results(1), (Results{{2, 0}}));
  EXPECT_FALSE(ring().has_completions());
  EXPECT_EQ(reached(), 1U);
}

}  // namespace
}  // namespace sluice::testing
