#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "backend_choices.h"
#include "sluice/aio_context.h"

namespace sluice::testing {

/// A context on each backend that asks the operating system. Skipped where there is none.
class RealAio : public ::testing::TestWithParam<BackendChoice> {
 protected:
  void SetUp() override {
    AioOptions options;
    options.backend = GetParam();
    auto context = AioContext::create(options);
    if (!context) GTEST_SKIP() << "io_uring is not to be had here: " << context.error().message();
    context_ = std::move(*context);
  }

  /// Submits a request that must not be refused.
  std::shared_ptr<AioRequest> submit(AioOrder order) {
    auto request = context_->submit(std::move(order));
    EXPECT_TRUE(request);
    return *request;
  }

  std::unique_ptr<AioContext> context_;
};

}  // namespace sluice::testing
