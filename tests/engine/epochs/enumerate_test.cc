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
  std::size_t depth;  ///< Optimised. One more costs eight times the memory, of which this needs 1.5 GiB.
  std::size_t short_depth;  ///< With assertions or sanitizers, which are ten times slower.
  std::size_t long_depth;   ///< Optimised, for a long run.
};

constexpr Enumeration kEnumerations[] = {
    {.name = "Priorities",
     .bounds = {.verbs = {Verb::begin_data, Verb::end, Verb::barrier_data, Verb::barrier_full,
                          Verb::promise_full, Verb::cancel, Verb::begin_sync, Verb::sync_succeeded},
                .in_flight = 1,
                .pending = 3,
                .priorities = 2},
     .depth = 9,
     .short_depth = 7,
     .long_depth = 12},
    {.name = "Truncations",
     .bounds = {.verbs = {Verb::begin_data, Verb::end_emptied, Verb::barrier_data, Verb::barrier_full,
                          Verb::begin_sync, Verb::sync_succeeded, Verb::sync_failed, Verb::writeback_failed,
                          Verb::forget},
                .in_flight = 1,
                .pending = 2},
     .depth = 12,
     .short_depth = 10,
     .long_depth = 15},
    {.name = "Covers",
     .bounds = {.verbs = {Verb::begin_data, Verb::begin_metadata, Verb::end, Verb::barrier_data,
                          Verb::barrier_full, Verb::cancel, Verb::begin_sync, Verb::sync_succeeded,
                          Verb::sync_never_ran},
                .in_flight = 3,
                .pending = 3},
     .depth = 10,
     .short_depth = 7,
     .long_depth = 10},
    {.name = "Failures",
     .bounds = {.verbs = {Verb::begin_data, Verb::begin_metadata, Verb::end, Verb::end_emptied,
                          Verb::barrier_data, Verb::barrier_full, Verb::begin_sync, Verb::sync_succeeded,
                          Verb::sync_failed, Verb::writeback_failed, Verb::forget},
                .in_flight = 2,
                .pending = 2},
     .depth = 10,
     .short_depth = 7,
     .long_depth = 10},
    {.name = "Opaque",
     .bounds = {.verbs = {Verb::begin_metadata, Verb::end, Verb::barrier_data, Verb::barrier_full,
                          Verb::promise_full, Verb::begin_sync, Verb::sync_succeeded, Verb::sync_failed,
                          Verb::set_opaque, Verb::leave_opaque, Verb::assume_written, Verb::forget},
                .in_flight = 1,
                .pending = 2},
     .depth = 11,
     .short_depth = 8,
     .long_depth = 11},
    {.name = "Promises",
     .bounds = {.verbs = {Verb::begin_data, Verb::begin_metadata, Verb::end, Verb::promise_data,
                          Verb::promise_full, Verb::barrier_full, Verb::begin_sync, Verb::sync_succeeded,
                          Verb::sync_failed, Verb::forget},
                .in_flight = 2,
                .pending = 3},
     .depth = 11,
     .short_depth = 7,
     .long_depth = 11},
    {.name = "Everything",
     .bounds = {.verbs = Verbs::all(), .in_flight = 3, .pending = 3},
     .depth = 8,
     .short_depth = 6,
     .long_depth = 8},
};

std::size_t depth_of(const Enumeration& enumeration) {
  // Enough for most mutants (run_mutant.cmake).
  if (std::getenv("SLUICE_TEST_SHORT") != nullptr) return enumeration.short_depth;
  if (!kOptimised) return enumeration.short_depth;
  return std::getenv("SLUICE_TEST_LONG") == nullptr ? enumeration.depth : enumeration.long_depth;
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
