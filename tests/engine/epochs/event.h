#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sluice::testing {

/// Everything that can happen to an InodeEpochs.
enum class Verb : std::uint8_t {
  begin_data,
  begin_metadata,
  end,           ///< Of the mutation that is `argument`-th among those in flight.
  end_emptied,   ///< The same, a truncation to nothing.
  barrier_data,  ///< Acknowledged when durable; `argument` is the priority, as in the next three.
  barrier_full,
  promise_data,  ///< Acknowledged when queued.
  promise_full,
  cancel,      ///< The barrier in place `argument`.
  begin_sync,  ///< Wanted, or early.
  sync_succeeded,
  sync_failed,
  sync_never_ran,
  writeback_failed,
  set_opaque,
  leave_opaque,
  assume_written,
  set_removed,
  reuse,
  forget,  ///< The state is dropped and made anew.
};
inline constexpr unsigned kVerbs = static_cast<unsigned>(Verb::forget) + 1;

struct Event {
  Verb verb = Verb::begin_data;
  std::uint8_t argument = 0;
};

/// As it is written in a test: "end(1)".
std::string to_string(const Event& event);
std::string to_string(const std::vector<Event>& events);

/// A set of verbs.
class Verbs {
 public:
  constexpr Verbs(std::initializer_list<Verb> verbs) {
    for (const Verb verb : verbs) bits_ |= bit(verb);
  }
  static constexpr Verbs all() {
    Verbs verbs{};
    verbs.bits_ = (1U << kVerbs) - 1;
    return verbs;
  }
  [[nodiscard]] constexpr bool has(Verb verb) const { return (bits_ & bit(verb)) != 0; }

 private:
  static constexpr std::uint32_t bit(Verb verb) { return 1U << static_cast<unsigned>(verb); }
  std::uint32_t bits_ = 0;
};

}  // namespace sluice::testing
