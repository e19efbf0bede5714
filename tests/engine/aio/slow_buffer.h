#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "sluice/result.h"
#include "sluice/unique_fd.h"

namespace sluice::testing {

/// A page of memory that is not there yet: a write(2) from it is under way until the test lets it arrive
/// (userfaultfd(2)). Arrives at the latest when this is destroyed.
class SlowBuffer {
 public:
  /// EPERM without root, ENOSYS where the kernel has none.
  static Result<std::unique_ptr<SlowBuffer>> create();
  ~SlowBuffer();
  SlowBuffer(const SlowBuffer&) = delete;
  SlowBuffer& operator=(const SlowBuffer&) = delete;

  [[nodiscard]] std::span<const std::byte> bytes() const { return page_; }
  /// Waits until somebody waits for the page. False when nobody did for FakeBackend::kPatience.
  [[nodiscard]] bool wait_until_wanted() const;
  void arrive();

 private:
  SlowBuffer(UniqueFd faults, std::span<std::byte> page) : faults_(std::move(faults)), page_(page) {}

  const UniqueFd faults_;
  const std::span<std::byte> page_;
  bool arrived_ = false;
};

}  // namespace sluice::testing
