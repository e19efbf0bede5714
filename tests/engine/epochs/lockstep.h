#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "event.h"
#include "oracle.h"
#include "sluice/epochs.h"

namespace sluice::testing {

/// What may happen in a run, and how much of it at once.
struct Bounds {
  Verbs verbs = Verbs::all();
  std::size_t in_flight = 3;  ///< Mutations; at most Oracle::kMaxInFlight.
  std::size_t pending = 3;  ///< Barriers not durable yet, waiting or promised; at most Oracle::kMaxBarriers.
  std::size_t priorities = 1;  ///< Those that a barrier may have, from 0 up.
};

/// The state machine and the oracle, side by side through the same events.
class Lockstep {
 public:
  /// Every event that the rules of use allow now, within `bounds`. The oracle says what is allowed, except
  /// that the machine itself says when it may be forgotten; apply() then checks that claim.
  [[nodiscard]] std::vector<Event> possible(const Bounds& bounds) const;

  /// Both take the event. Returns what they disagree about, or an empty text.
  /// REQUIRES: `event` is one of possible().
  [[nodiscard]] std::string apply(const Event& event);

  /// What they disagree about without any event; apply() has looked already.
  [[nodiscard]] std::string compare() const;

  [[nodiscard]] std::uint64_t hash() const { return oracle_.hash(); }
  /// Two equal states take the same events to equal states.
  friend bool operator==(const Lockstep&, const Lockstep&) = default;

 private:
  std::string apply_barrier(SyncKind kind, Acknowledge acknowledge, Priority priority);
  std::string apply_cancel(std::size_t place);
  std::string apply_begin_sync();
  std::string apply_failure(bool of_sync);
  /// What `answers` has that the oracle does not say, or the reverse.
  static std::string compare_answers(const std::vector<BarrierAnswer>& answers,
                                     const std::vector<std::size_t>& expected, const Errno* error);
  [[nodiscard]] std::string compare_numbers() const;
  [[nodiscard]] std::size_t free_place() const;

  InodeEpochs machine_;
  Oracle oracle_;
};

}  // namespace sluice::testing
