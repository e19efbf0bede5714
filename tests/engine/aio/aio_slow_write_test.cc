#include <gtest/gtest.h>

#include <array>

#include "aio_harness.h"
#include "real_aio.h"
#include "slow_buffer.h"
#include "sluice/sync_engine.h"

// The cover of a sync on real files, with writes that are under way for as long as the test wants.

namespace sluice::testing {
namespace {

class AioSlowWrite : public RealAio {
 protected:
  void SetUp() override {
    RealAio::SetUp();
    if (IsSkipped()) return;
    auto first = SlowBuffer::create();
    auto second = SlowBuffer::create();
    for (const auto* buffer : {&first, &second}) {
      if (!*buffer) GTEST_SKIP() << "userfaultfd is not to be had here: " << buffer->error().message();
    }
    first_ = std::move(*first);
    second_ = std::move(*second);
  }
  void TearDown() override {
    // The context ends when both have arrived.
    if (first_) first_->arrive();
    if (second_) second_->arrive();
    context_.reset();
  }

  TempFiles files_;
  std::unique_ptr<SlowBuffer> first_;
  std::unique_ptr<SlowBuffer> second_;
};

INSTANTIATE_TEST_SUITE_P(, AioSlowWrite, real_backends(), name_of_backend);

TEST_P(AioSlowWrite, Contract_F3_SyncBetweenTwoWaitsForTheFirstAndNotForTheSecond) {
  const auto first = submit(AioOrder::write(files_.fd(), first_->bytes(), 0));
  // The kernel makes one write of a file at a time, and would choose which.
  ASSERT_TRUE(first_->wait_until_wanted());
  const auto sync = submit(AioOrder::sync(files_.fd()));
  const auto second = submit(AioOrder::write(files_.fd(), second_->bytes(), 4096));
  EXPECT_FALSE(sync->done());
  EXPECT_EQ(context_->engine().counters().full.syncs, 0U);
  first_->arrive();
  EXPECT_EQ(outcome_of(*sync), 0);
  EXPECT_TRUE(first->done());
  ASSERT_TRUE(second_->wait_until_wanted());
  EXPECT_FALSE(second->done());
  second_->arrive();
  EXPECT_EQ(outcome_of(*second), 0);
}

TEST_P(AioSlowWrite, Contract_E1_WriteThroughAnotherOpenFileIsWaitedFor) {
  const SharedFd other = files_.reopen();
  submit(AioOrder::write(other->get(), first_->bytes(), 0));
  const auto sync = submit(AioOrder::sync(files_.fd()));
  ASSERT_TRUE(first_->wait_until_wanted());
  EXPECT_FALSE(sync->done());
  EXPECT_EQ(context_->engine().counters().full.syncs, 0U);
  first_->arrive();
  EXPECT_EQ(outcome_of(*sync), 0);
}

TEST_P(AioSlowWrite, Contract_P3_SubmitReturnsWhileAWriteIsUnderWay) {
  submit(AioOrder::write(files_.fd(), first_->bytes(), 0));
  ASSERT_TRUE(first_->wait_until_wanted());
  const auto sync = submit(AioOrder::sync(files_.fd()));
  EXPECT_FALSE(sync->done());
  first_->arrive();
  EXPECT_EQ(outcome_of(*sync), 0);
}

TEST_P(AioSlowWrite, Contract_E5_RequestsOfAnotherFileAreServedMeanwhile) {
  const TempFiles others;
  submit(AioOrder::write(files_.fd(), first_->bytes(), 0));
  ASSERT_TRUE(first_->wait_until_wanted());
  // Not a write: the kernel's workers line up writes of files whose inodes have one of 64 hashes.
  std::array<std::byte, 1> buffer{};
  EXPECT_EQ(outcome_of(*submit(AioOrder::read(others.fd(), buffer, 0))), 0);
  EXPECT_EQ(outcome_of(*submit(AioOrder::sync(others.fd()))), 0);
}

}  // namespace
}  // namespace sluice::testing
