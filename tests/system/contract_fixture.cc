#include "contract_fixture.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <utility>

#include "mount_files.h"

namespace sluice::testing {

void ContractTest::SetUp() {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root to mount";
  MountSetup setup;
  setup.make_backend = [this] {
    auto backend = std::make_unique<FakeBackend>(kPlaces);
    device_ = backend.get();
    release();
    return backend;
  };
  mount_ = std::make_unique<MountFixture>(std::move(setup));
}

void ContractTest::TearDown() {
  if (!mount_) return;
  release();
  threads_.clear();
  for (const aiocb& block : blocks_) EXPECT_NE(outcome_of(block), EINPROGRESS);
  libaio_.reset();
  files_.clear();
  mount_.reset();
}

UniqueFd& ContractTest::open_dirty(std::string_view name, int flags) {
  make_file(at(name), "x");
  return files_.emplace_back(open_file(at(name), O_RDWR | flags));
}

UniqueFd& ContractTest::open_durable(std::string_view name, int flags) {
  UniqueFd& fd = open_dirty(name, flags);
  EXPECT_EQ(::fsync(fd.get()), 0);
  EXPECT_EQ(counts_of([&] { EXPECT_EQ(::fsync(fd.get()), 0); }), kElided);
  return fd;
}

// ---- The device ----

void ContractTest::hold() {
  device_->answer_by({});
  before_ = device_->submitted().size();
}

bool ContractTest::holds(std::size_t count) {
  return device_->wait_for_submissions(before_ + count);
}

void ContractTest::fail_with(int error) {
  device_->answer_by([error](const SubmittedSync&) { return SyncAnswer::failure(error); });
  device_->end_all(SyncAnswer::failure(error));
}

void ContractTest::release() {
  device_->answer_by([](const SubmittedSync&) { return SyncAnswer::success(); });
  device_->end_all(SyncAnswer::success());
}

// ---- The programs ----

aiocb& ContractTest::block(int fd) {
  aiocb& block = blocks_.emplace_back();
  block.aio_fildes = fd;
  block.aio_sigevent.sigev_notify = SIGEV_NONE;
  return block;
}

int ContractTest::outcome_of(const aiocb& block) {
  const std::array<const aiocb*, 1> list{&block};
  const timespec patience{.tv_sec = FakeBackend::kPatience.count(), .tv_nsec = 0};
  while (::aio_error(&block) == EINPROGRESS) {
    if (::aio_suspend(list.data(), 1, &patience) != 0 && errno != EINTR) break;
  }
  return ::aio_error(&block);
}

LibaioContext& ContractTest::libaio() {
  if (!libaio_) libaio_.emplace();
  return *libaio_;
}

std::future<int>& ContractTest::start(std::function<int()> run) {
  return threads_.emplace_back(std::async(std::launch::async, std::move(run)));
}

int result_of(std::future<int>& thread) {
  return thread.wait_for(FakeBackend::kPatience) == std::future_status::ready ? thread.get() : ETIME;
}

bool has_ended(const std::future<int>& thread) {
  return thread.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

}  // namespace sluice::testing
