#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <functional>
#include <string_view>
#include <vector>

#include "slow_buffer.h"
#include "sluice/aio_libaio.h"
#include "temp_files.h"

namespace sluice::testing {

/// Whether `fact` holds in a child of fork(2).
bool holds_in_child(const std::function<bool()>& fact);

/// A context of the libaio shape that is destroyed in the end.
class LibaioFixture : public ::testing::Test {
 protected:
  static constexpr int kMaxEvents = 64;

  LibaioFixture();
  ~LibaioFixture() override;

  [[nodiscard]] sluice_io_context_t context() const { return context_; }
  [[nodiscard]] int fd(std::size_t index = 0) const { return files_.fd(index); }
  [[nodiscard]] const TempFiles& files() const { return files_; }

  static sluice_iocb fsync_of(int fd);
  static sluice_iocb fdsync_of(int fd);
  /// The text must outlive the request.
  static sluice_iocb write_of(int fd, std::string_view text, off_t offset = 0);
  static sluice_iocb write_of(int fd, const SlowBuffer& buffer, off_t offset = 0);

  /// 1, or why it was refused.
  int submit(sluice_iocb& block) const { return submit(block, context_); }
  static int submit(sluice_iocb& block, sluice_io_context_t context);
  /// Waits for `count` events. Fewer when they do not come in FakeBackend::kPatience.
  std::vector<sluice_io_event> collect(std::size_t count) const { return collect(count, context_); }
  static std::vector<sluice_io_event> collect(std::size_t count, sluice_io_context_t context);
  /// The result of the one event that comes next.
  long collect_result() const;

  /// Destroys the context now.
  int destroy();

 private:
  TempFiles files_{4};
  sluice_io_context_t context_ = nullptr;
};

/// Skips the test where writes cannot be made slow.
#define SLUICE_SLOW_BUFFER(name)                                                              \
  const auto name##_made = SlowBuffer::create();                                              \
  if (!name##_made) GTEST_SKIP() << "no userfaultfd here: " << name##_made.error().message(); \
  SlowBuffer& name = **name##_made

}  // namespace sluice::testing
