#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <thread>

#include "aio/transfer_queue.h"
#include "backend_choices.h"
#include "transfer_harness.h"

// The queue on the backends that really read and write.

namespace sluice::testing {
namespace {

constexpr unsigned kInFlight = 8;

class RealTransfers : public ::testing::TestWithParam<BackendChoice> {
 protected:
  void SetUp() override {
    Result<std::unique_ptr<IoBackend>> backend = make_backend(GetParam(), kInFlight);
    if (!backend) GTEST_SKIP() << "not to be had here: " << backend.error().message();
    queue_ = std::make_unique<TransferQueue>(std::move(*backend));
  }

  TransferId submit(TransferOrder order) {
    if (!order.callback) order.callback = results_.callback();
    return queue_->submit(std::move(order)).value();
  }

  static std::string content(int fd) {
    std::string bytes(1 << 20, '?');
    const ssize_t got = ::pread(fd, bytes.data(), bytes.size(), 0);
    bytes.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return bytes;
  }

  TransferResults results_;
  std::unique_ptr<TransferQueue> queue_;
};

INSTANTIATE_TEST_SUITE_P(, RealTransfers, real_backends(), name_of_backend);

TEST_P(RealTransfers, ManyMoreThanMayRunAreWrittenAndReadBack) {
  constexpr std::size_t kPieces = 500;
  constexpr std::size_t kBytes = 700;
  const TempFiles files;
  std::vector<std::string> pieces;
  for (std::size_t i = 0; i < kPieces; ++i) pieces.emplace_back(kBytes, static_cast<char>('a' + i % 26));
  std::vector<std::string> read(kPieces, std::string(kBytes, '?'));
  for (std::size_t i = 0; i < kPieces; ++i)
    submit(write_order(files, pieces[i], static_cast<off_t>(i * kBytes)));
  ASSERT_TRUE(results_.wait_for(kPieces));
  for (std::size_t i = 0; i < kPieces; ++i)
    submit(read_order(files, read[i], static_cast<off_t>(i * kBytes)));
  ASSERT_TRUE(results_.wait_for(2 * kPieces));
  EXPECT_EQ(read, pieces);
  EXPECT_EQ(results_.so_far(), std::vector<long>(2 * kPieces, kBytes));
}

TEST_P(RealTransfers, AppendsInTurnStandInTheFileInTheirOrder) {
  constexpr std::size_t kRecords = 300;
  const TempFiles files;
  const SharedFd appending = share(UniqueFd(::open(files.path().c_str(), O_WRONLY | O_APPEND | O_CLOEXEC)));
  ASSERT_TRUE(appending->valid());
  std::vector<std::string> records;
  std::string all;
  for (std::size_t i = 0; i < kRecords; ++i) all += records.emplace_back(std::to_string(i) + "\n");
  for (std::string& record : records) {
    TransferOrder order = write_order(files, record, 0);
    order.descriptor = appending;
    order.transfer.fd = appending->get();
    order.in_turn = true;
    submit(std::move(order));
  }
  ASSERT_TRUE(results_.wait_for(kRecords));
  EXPECT_EQ(content(files.fd()), all);
}

TEST_P(RealTransfers, ErrorOfTheCallReachesTheCallback) {
  const TempFiles files;
  const SharedFd read_only = share(UniqueFd(::open(files.path().c_str(), O_RDONLY | O_CLOEXEC)));
  std::string bytes = "sluice";
  TransferOrder order = write_order(files, bytes, 0);
  order.descriptor = read_only;
  order.transfer.fd = read_only->get();
  submit(std::move(order));
  ASSERT_TRUE(results_.wait_for(1));
  EXPECT_EQ(results_.so_far(), std::vector<long>{-EBADF});
}

TEST_P(RealTransfers, StopLeavesNothingUnwritten) {
  constexpr std::size_t kPieces = 200;
  const TempFiles files;
  std::string byte = "x";
  for (std::size_t i = 0; i < kPieces; ++i) submit(write_order(files, byte, static_cast<off_t>(i)));
  queue_->stop();
  EXPECT_EQ(results_.so_far().size(), kPieces);
  EXPECT_EQ(content(files.fd()), std::string(kPieces, 'x'));
}

TEST_P(RealTransfers, EveryTransferOfManyThreadsEndsOnceThoughSomeAreCancelled) {
  constexpr unsigned kThreads = 4;
  constexpr std::size_t kEach = 500;
  const TempFiles files(3);
  std::string byte = "x";
  std::atomic<std::size_t> cancelled{0};
  std::vector<std::thread> threads;
  for (unsigned thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, random = std::mt19937(thread)]() mutable {
      for (std::size_t i = 0; i < kEach; ++i) {
        TransferOrder order = write_order(files, byte, static_cast<off_t>(random() % 100), random() % 3);
        order.in_turn = random() % 2 == 0;
        order.priority = Priority(static_cast<std::int32_t>(random() % 3));
        const TransferId id = submit(std::move(order));
        if (random() % 4 == 0 && queue_->cancel(id) == CancelOutcome::cancelled) cancelled.fetch_add(1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  queue_->stop();
  const std::vector<long> results = results_.so_far();
  EXPECT_EQ(results.size(), kThreads * kEach);
  const auto with = [&](long result) {
    return static_cast<std::size_t>(std::count(results.begin(), results.end(), result));
  };
  EXPECT_EQ(with(-ECANCELED), cancelled.load());
  EXPECT_EQ(with(1) + with(-ECANCELED), results.size());
}

}  // namespace
}  // namespace sluice::testing
