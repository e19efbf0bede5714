#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sluice/io_backend.h"

namespace sluice::testing {

/// One way to come to a backend that takes kLimit calls at once.
struct BackendMaker {
  std::string name;
  Result<std::unique_ptr<IoBackend>> (*make)();
};

/// What every backend owes the engine, whatever it is made of: a fixture for each of makers().
class BackendContract : public ::testing::TestWithParam<BackendMaker> {
 protected:
  static constexpr unsigned kLimit = 16;

  void SetUp() override;

  IoToken submit(int fd, SyncKind kind = SyncKind::full);
  IoToken submit(const Transfer& transfer);
  /// Waits until `count` calls have ended; in the order of their tokens.
  std::vector<IoCompletion> collect(std::size_t count);
  IoCompletion sync(int fd, SyncKind kind = SyncKind::full);

  std::unique_ptr<IoBackend> backend_;
  std::uint64_t last_token_ = 0;

 public:
  /// io_uring, threads, and the fake that does as the others do.
  static std::vector<BackendMaker> makers();
  static std::string name_of(const ::testing::TestParamInfo<BackendMaker>& maker) { return maker.param.name; }
};

}  // namespace sluice::testing
