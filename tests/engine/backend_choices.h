#pragma once

#include <gtest/gtest.h>

#include <string>

#include "sluice/io_backend.h"

namespace sluice::testing {

/// Both backends that the system may have, as parameters of a test.
inline auto real_backends() {
  return ::testing::Values(BackendChoice::io_uring, BackendChoice::threads);
}
inline std::string name_of_backend(const ::testing::TestParamInfo<BackendChoice>& choice) {
  return choice.param == BackendChoice::io_uring ? "io_uring" : "threads";
}

}  // namespace sluice::testing
