#include "event.h"

#include <array>

namespace sluice::testing {
namespace {

constexpr std::array<const char*, kVerbs> kNames = {"begin_data",
                                                    "begin_metadata",
                                                    "end",
                                                    "end_emptied",
                                                    "barrier_data",
                                                    "barrier_full",
                                                    "promise_data",
                                                    "promise_full",
                                                    "cancel",
                                                    "begin_sync",
                                                    "sync_succeeded",
                                                    "sync_failed",
                                                    "sync_never_ran",
                                                    "writeback_failed",
                                                    "set_opaque",
                                                    "leave_opaque",
                                                    "assume_written",
                                                    "set_removed",
                                                    "reuse",
                                                    "forget"};

bool has_argument(Verb verb) {
  return (verb >= Verb::barrier_data && verb <= Verb::promise_full) || verb == Verb::end ||
         verb == Verb::end_emptied || verb == Verb::cancel;
}

}  // namespace

std::string to_string(const Event& event) {
  std::string text = kNames[static_cast<unsigned>(event.verb)];
  if (has_argument(event.verb)) text += "(" + std::to_string(event.argument) + ")";
  return text;
}

std::string to_string(const std::vector<Event>& events) {
  std::string text;
  for (const Event& event : events) text += (text.empty() ? "" : ", ") + to_string(event);
  return text;
}

}  // namespace sluice::testing
