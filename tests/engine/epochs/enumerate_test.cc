#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>

#include "enumerator.h"

// Every order of events up to a bounded length, each step against the oracle. One enumeration has every
// event; the others leave some out and go deeper with the rest.

namespace sluice::testing {
namespace {

#ifdef NDEBUG
constexpr bool kOptimised = true;
#else
constexpr bool kOptimised = false;
#endif

struct Enumeration {
  const char* name;
  Bounds bounds;
  std::size_t depth;        ///< Optimised.
  std::size_t short_depth;  ///< With assertions or sanitizers, which are ten times slower.
};

constexpr Enumeration kEnumerations[] = {
    {"Priorities",
     {{Verb::begin_data, Verb::end, Verb::barrier_data, Verb::barrier_full, Verb::promise_full, Verb::cancel,
       Verb::begin_sync, Verb::sync_succeeded},
      1,
      3,
      2},
     9,
     7},
    {"Truncations",
     {{Verb::begin_data, Verb::end_emptied, Verb::barrier_data, Verb::barrier_full, Verb::begin_sync,
       Verb::sync_succeeded, Verb::sync_failed, Verb::writeback_failed, Verb::forget},
      1,
      2},
     12,
     10},
    {"Covers",
     {{Verb::begin_data, Verb::begin_metadata, Verb::end, Verb::barrier_data, Verb::barrier_full,
       Verb::cancel, Verb::begin_sync, Verb::sync_succeeded, Verb::sync_never_ran},
      3,
      3},
     10,
     7},
    {"Failures",
     {{Verb::begin_data, Verb::begin_metadata, Verb::end, Verb::end_emptied, Verb::barrier_data,
       Verb::barrier_full, Verb::begin_sync, Verb::sync_succeeded, Verb::sync_failed, Verb::writeback_failed,
       Verb::forget},
      2,
      2},
     10,
     7},
    {"Opaque",
     {{Verb::begin_metadata, Verb::end, Verb::barrier_data, Verb::barrier_full, Verb::promise_full,
       Verb::begin_sync, Verb::sync_succeeded, Verb::sync_failed, Verb::set_opaque, Verb::leave_opaque,
       Verb::assume_written, Verb::forget},
      1,
      2},
     11,
     8},
    {"Promises",
     {{Verb::begin_data, Verb::begin_metadata, Verb::end, Verb::promise_data, Verb::promise_full,
       Verb::barrier_full, Verb::begin_sync, Verb::sync_succeeded, Verb::sync_failed, Verb::forget},
      2,
      3},
     11,
     7},
    {"Everything", {Verbs::all(), 3, 3}, 8, 6},
};

std::size_t depth_of(const Enumeration& enumeration) {
  // Enough for most mutants (run_mutant.cmake).
  if (std::getenv("SLUICE_TEST_SHORT") != nullptr) return enumeration.short_depth;
  const std::size_t deeper = std::getenv("SLUICE_TEST_LONG") == nullptr ? 0 : 1;
  return (kOptimised ? enumeration.depth : enumeration.short_depth) + deeper;
}

class EveryOrder : public ::testing::TestWithParam<Enumeration> {};

TEST_P(EveryOrder, AgreesWithTheOracle) {
  Enumerator enumerator(GetParam().bounds);
  ASSERT_TRUE(enumerator.run(depth_of(GetParam()))) << enumerator.violation();
  const Enumerator::Counts& counts = enumerator.counts();
  std::printf("%s: %lu orders of %zu events; %zu distinct states, %zu events applied and checked\n",
              GetParam().name, counts.orders, counts.depth, counts.states, counts.transitions);
  EXPECT_GT(counts.orders, counts.transitions);
}

INSTANTIATE_TEST_SUITE_P(Epochs, EveryOrder, ::testing::ValuesIn(kEnumerations),
                         [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace sluice::testing
