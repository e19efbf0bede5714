#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <vector>

#include "sluice/epochs.h"

namespace sluice::testing {

/// One inode and what its callers do, in the words of system calls.
class EpochsTest : public ::testing::Test {
 protected:
  static constexpr MutationClass kData = MutationClass::data;
  static constexpr MutationClass kMetadata = MutationClass::metadata;

  ~EpochsTest() override { inode_.check_invariants(); }

  void write() { inode_.end(inode_.begin(kData), MutationEffect::changed); }
  void chmod() { inode_.end(inode_.begin(kMetadata), MutationEffect::changed); }
  void truncate() { inode_.end(inode_.begin(kData), MutationEffect::emptied); }
  void end(Epoch epoch) { inode_.end(epoch, MutationEffect::changed); }

  BarrierReception receive(SyncKind kind, Acknowledge acknowledge, Priority priority = Priority()) {
    last_ = BarrierId(last_.number() + 1);
    return inode_.barrier({last_, kind, acknowledge, priority});
  }
  Reception fsync(Priority priority = Priority()) {
    return receive(SyncKind::full, Acknowledge::when_durable, priority).reception;
  }
  Reception fdatasync(Priority priority = Priority()) {
    return receive(SyncKind::data, Acknowledge::when_durable, priority).reception;
  }
  Reception promise_fsync() { return receive(SyncKind::full, Acknowledge::when_queued).reception; }
  Reception promise_fdatasync() { return receive(SyncKind::data, Acknowledge::when_queued).reception; }
  /// The barrier that came last.
  [[nodiscard]] BarrierId last() const { return last_; }

  void succeed() { inode_.sync_succeeded(answers_); }
  void fail(int error = EIO) { inode_.sync_failed(Errno(error), answers_); }
  /// A whole sync of what is known: everything that has ended is durable.
  void make_durable() {
    fsync();
    if (inode_.wants_sync()) {
      static_cast<void>(inode_.begin_sync());
      succeed();
    }
    answers_.clear();
  }
  /// A whole sync that fails.
  void lose(int error = EIO) {
    fsync();
    static_cast<void>(inode_.begin_sync());
    fail(error);
    answers_.clear();
  }

  [[nodiscard]] bool answered(BarrierId id) const { return find(id) != answers_.end(); }
  [[nodiscard]] bool succeeded(BarrierId id) const { return answered(id) && !find(id)->error; }
  [[nodiscard]] int error_of(BarrierId id) const {
    return answered(id) && find(id)->error ? find(id)->error->value() : 0;
  }

  InodeEpochs inode_;
  std::vector<BarrierAnswer> answers_;

 private:
  [[nodiscard]] std::vector<BarrierAnswer>::const_iterator find(BarrierId id) const {
    return std::find_if(answers_.begin(), answers_.end(),
                        [id](const BarrierAnswer& a) { return a.id == id; });
  }

  BarrierId last_;
};

}  // namespace sluice::testing
