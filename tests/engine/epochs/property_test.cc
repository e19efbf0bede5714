#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "lockstep.h"

// Runs of hundreds of events, each step against the oracle, where the enumeration is exhaustive but short. A
// run is a list of numbers that pick among the events possible at that moment, so that a part of a run is a
// run and RapidCheck can shrink it.

namespace sluice::testing {
namespace {

/// How often each verb is picked when it is possible, in the order of Verb.
using Weights = std::array<unsigned, kVerbs>;

//                            begin  end   barrier promise cancel sync              wb opaque  asm rem reu
//                            forget
constexpr Weights kEvenly = {8, 4, 9, 2, 4, 4, 2, 2, 1, 9, 6, 1, 1, 1, 1, 3, 1, 1, 1, 1};
constexpr Weights kNoFailures = {8, 4, 9, 1, 5, 5, 2, 2, 1, 9, 6, 0, 1, 0, 1, 6, 1, 0, 0, 1};
constexpr Weights kTruncations = {8, 2, 4, 8, 4, 4, 2, 2, 1, 9, 6, 2, 1, 1, 0, 0, 0, 0, 0, 1};
constexpr Weights kPromises = {8, 4, 9, 2, 1, 1, 8, 8, 1, 6, 4, 1, 1, 0, 0, 0, 1, 0, 0, 1};

using Choice = std::uint16_t;

Event pick(const std::vector<Event>& events, const Weights& weights, Choice choice) {
  const auto weight = [&](const Event& event) { return weights[static_cast<unsigned>(event.verb)]; };
  unsigned total = 0;
  for (const Event& event : events) total += weight(event);
  unsigned left = choice % total;
  for (const Event& event : events) {
    if (left < weight(event)) return event;
    left -= weight(event);
  }
  return events.front();
}

bool is_barrier(Verb verb) {
  return verb >= Verb::barrier_data && verb <= Verb::promise_full;
}

void run(const Weights& weights) {
  const Bounds bounds{Verbs::all(), Oracle::kMaxInFlight, 12};
  // Longer than RapidCheck's default, and every choice from the whole range, however short the run.
  const auto choice_of_any_size = rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<Choice>());
  const auto choices = *rc::gen::scale(12.0, rc::gen::container<std::vector<Choice>>(choice_of_any_size));
  Lockstep state;
  std::vector<Event> order;
  for (const Choice choice : choices) {
    Event event = pick(state.possible(bounds), weights, choice);
    if (is_barrier(event.verb)) event.argument = static_cast<std::uint8_t>(choice % 5);  // The priority.
    order.push_back(event);
    const std::string wrong = state.apply(event);
    if (!wrong.empty()) RC_FAIL(wrong + ", after: " + to_string(order));
  }
  RC_CLASSIFY(choices.size() >= 200, "200 events or more");
}

RC_GTEST_PROP(LongRuns, AgreeWithTheOracle, ()) {
  run(kEvenly);
}
RC_GTEST_PROP(LongRuns, WithoutFailuresAgreeWithTheOracle, ()) {
  run(kNoFailures);
}
RC_GTEST_PROP(LongRuns, OfTruncationsAndFailuresAgreeWithTheOracle, ()) {
  run(kTruncations);
}
RC_GTEST_PROP(LongRuns, OfPromisesAgreeWithTheOracle, ()) {
  run(kPromises);
}

}  // namespace
}  // namespace sluice::testing
