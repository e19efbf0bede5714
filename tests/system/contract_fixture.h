#pragma once

#include <aio.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fake_backend.h"
#include "libaio_context.h"
#include "mount_fixture.h"
#include "sluice/unique_fd.h"

namespace sluice::testing {

/// What unmodified interfaces get on a mounted directory (road M of docs/contract.md). The syncs of the mount
/// reach a device that the test plays: it answers at once until told to hold or to fail. What may wait for
/// the device belongs to the fixture, which lets the device answer before it waits for anything or closes a
/// file (close(2) may wait for the lock that the kernel holds while a file is synced).
class ContractTest : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  [[nodiscard]] MountFixture& mount() { return *mount_; }
  [[nodiscard]] std::string at(std::string_view name) const { return mount_->at(name); }
  [[nodiscard]] std::string source(std::string_view name) const { return mount_->source(name); }
  template <typename Use>
  SyncCounts counts_of(Use use) const {
    return mount_->counts_of(use);
  }

  /// As many syncs run at a time as the device has places.
  static constexpr unsigned kPlaces = 8;

  /// A file of one byte, open for reading and writing: written and not synced, or durable.
  UniqueFd& open_dirty(std::string_view name, int flags = 0);
  UniqueFd& open_durable(std::string_view name, int flags = 0);

  // ---- The device ----

  [[nodiscard]] FakeBackend& device() { return *device_; }
  /// Syncs are held from now on; the numbers below count from here.
  void hold();
  /// Waits for the `count`th of them.
  [[nodiscard]] bool holds(std::size_t count);
  /// How many reached the device.
  [[nodiscard]] std::size_t reached() const { return device_->submitted().size() - before_; }
  [[nodiscard]] SyncKind kind_of(std::size_t index) const {
    return device_->submitted()[before_ + index].kind;
  }
  void answer_nth(std::size_t index, SyncAnswer answer) { device_->end_nth(before_ + index, answer); }
  /// Every sync fails from now on, or succeeds, those that are held too.
  void fail_with(int error);
  void release();

  // ---- The programs ----

  /// A zeroed block of glibc's on `fd`.
  [[nodiscard]] aiocb& block(int fd);
  /// Waits until the operation of a block has ended; what aio_error(3) then says, EINPROGRESS when patience
  /// ran out.
  [[nodiscard]] static int outcome_of(const aiocb& block);
  [[nodiscard]] LibaioContext& libaio();
  /// A thread of the program; what it does is 0 or an error number.
  std::future<int>& start(std::function<int()> run);

 private:
  std::unique_ptr<MountFixture> mount_;
  FakeBackend* device_ = nullptr;
  std::size_t before_ = 0;
  std::deque<UniqueFd> files_;
  std::deque<aiocb> blocks_;
  std::optional<LibaioContext> libaio_;
  std::deque<std::future<int>> threads_;
};

/// Waits for the end of a thread; what it ended with, ETIME when patience ran out. Once for each.
[[nodiscard]] int result_of(std::future<int>& thread);
/// Without a wait.
[[nodiscard]] bool has_ended(const std::future<int>& thread);

}  // namespace sluice::testing
