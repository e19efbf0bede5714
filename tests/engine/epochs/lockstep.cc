#include "lockstep.h"

#include <algorithm>
#include <array>
#include <cerrno>

namespace sluice::testing {
namespace {

constexpr std::array<int, Oracle::kMaxFailures> kErrors = {EIO,   ENOSPC, EDQUOT, EROFS,
                                                           ENXIO, ENODEV, EBADF,  ESTALE};

Errno error_of(unsigned failure) {
  return Errno(kErrors[failure]);
}

const char* name_of(SyncKind kind) {
  return kind == SyncKind::data ? "data" : "full";
}

const char* name_of(Reception reception) {
  constexpr std::array<const char*, 5> kNames = {"durable", "failed", "accepted", "joined", "waiting"};
  return kNames[static_cast<unsigned>(reception)];
}

bool is_one_of(Errno error, FailureSet failures) {
  for (unsigned failure = 0; failure < Oracle::kMaxFailures; ++failure) {
    if ((failures & (1U << failure)) != 0 && error == error_of(failure)) return true;
  }
  return false;
}

}  // namespace

// ---- What can happen ----

std::size_t Lockstep::free_place() const {
  std::size_t place = 0;
  while (oracle_.taken(place)) ++place;
  return place;
}

std::vector<Event> Lockstep::possible(const Bounds& bounds) const {
  std::vector<Event> events;
  events.reserve(24);
  const auto add = [&](Verb verb, bool allowed, std::size_t argument = 0) {
    if (allowed && bounds.verbs.has(verb)) events.push_back({verb, static_cast<std::uint8_t>(argument)});
  };
  std::vector<std::size_t> waiting;
  std::size_t pending = 0;
  for (std::size_t place = 0; place < Oracle::kMaxBarriers; ++place) {
    if (oracle_.taken(place)) ++pending;
    if (oracle_.waits(place)) waiting.push_back(place);
  }
  std::size_t in_flight = 0;
  for (const Oracle::Write& write : oracle_.writes()) {
    if (write.ended) continue;
    add(Verb::end, true, in_flight);
    add(Verb::end_emptied, write.mutation_class == MutationClass::data, in_flight);
    ++in_flight;
  }
  add(Verb::begin_data, in_flight < bounds.in_flight);
  add(Verb::begin_metadata, in_flight < bounds.in_flight);
  for (const Verb verb : {Verb::barrier_data, Verb::barrier_full, Verb::promise_data, Verb::promise_full}) {
    for (std::size_t priority = 0; priority < bounds.priorities; ++priority)
      add(verb, pending < bounds.pending, priority);
  }
  for (const std::size_t place : waiting) add(Verb::cancel, true, place);
  const bool running = oracle_.sync_running();
  add(Verb::begin_sync, !running && (oracle_.wanted() || oracle_.early_sync_is_useful()));
  for (const Verb verb : {Verb::sync_succeeded, Verb::sync_failed, Verb::sync_never_ran}) add(verb, running);
  add(Verb::writeback_failed, true);
  add(Verb::set_opaque, !oracle_.opaque());
  add(Verb::leave_opaque, oracle_.opaque());
  add(Verb::assume_written, true);
  add(Verb::set_removed, !oracle_.removed());
  add(Verb::reuse, oracle_.removed());
  add(Verb::forget, machine_.forgettable());
  return events;
}

// ---- What happens ----

std::string Lockstep::apply(const Event& event) {
  std::string wrong;
  std::vector<BarrierAnswer> answers;
  const Priority priority(event.argument);
  switch (event.verb) {
    case Verb::begin_data:
    case Verb::begin_metadata: {
      const MutationClass of = event.verb == Verb::begin_data ? MutationClass::data : MutationClass::metadata;
      const Epoch before = machine_.issued();
      const Epoch epoch = machine_.begin(of);
      if (epoch <= before || machine_.issued() != epoch) wrong = "begin() gave a number out of order";
      oracle_.begin(of, epoch);
      break;
    }
    case Verb::end:
    case Verb::end_emptied: {
      const MutationEffect effect =
          event.verb == Verb::end ? MutationEffect::changed : MutationEffect::emptied;
      const Epoch epoch = oracle_.in_flight()[event.argument];
      machine_.end(epoch, effect);
      oracle_.end(epoch, effect);
      break;
    }
    case Verb::barrier_data:
      wrong = apply_barrier(SyncKind::data, Acknowledge::when_durable, priority);
      break;
    case Verb::barrier_full:
      wrong = apply_barrier(SyncKind::full, Acknowledge::when_durable, priority);
      break;
    case Verb::promise_data:
      wrong = apply_barrier(SyncKind::data, Acknowledge::when_queued, priority);
      break;
    case Verb::promise_full:
      wrong = apply_barrier(SyncKind::full, Acknowledge::when_queued, priority);
      break;
    case Verb::cancel:
      wrong = apply_cancel(event.argument);
      break;
    case Verb::begin_sync:
      wrong = apply_begin_sync();
      break;
    case Verb::sync_succeeded:
      machine_.sync_succeeded(answers);
      wrong = compare_answers(answers, oracle_.sync_succeeded(), nullptr);
      break;
    case Verb::sync_failed:
      wrong = apply_failure(true);
      break;
    case Verb::writeback_failed:
      wrong = apply_failure(false);
      break;
    case Verb::sync_never_ran:
      machine_.sync_never_ran();
      oracle_.sync_never_ran();
      break;
    case Verb::set_opaque:
      machine_.set_opaque();
      oracle_.set_opaque();
      break;
    case Verb::leave_opaque:
      machine_.leave_opaque();
      oracle_.leave_opaque();
      break;
    case Verb::assume_written:
      machine_.assume_written();
      oracle_.unannounced();
      break;
    case Verb::set_removed:
      machine_.set_removed();
      oracle_.set_removed();
      break;
    case Verb::reuse:
      machine_.reuse();
      oracle_.reuse();
      break;
    case Verb::forget:
      if (!oracle_.may_forget()) return "forgets what somebody must be told";
      machine_ = InodeEpochs();
      oracle_.forget();
      break;
  }
  return wrong.empty() ? compare() : wrong;
}

std::string Lockstep::apply_barrier(SyncKind kind, Acknowledge acknowledge, Priority priority) {
  const std::size_t place = free_place();
  const BarrierReception got = machine_.barrier({BarrierId(place), kind, acknowledge, priority});
  const ExpectedReception expected = oracle_.barrier(place, kind, acknowledge, priority);
  if (got.reception != expected.reception) {
    return std::string("a barrier is received as ") + name_of(got.reception) + ", not as " +
           name_of(expected.reception);
  }
  if (got.error.has_value() != (got.reception == Reception::failed)) return "a reception has the wrong error";
  if (got.error && !is_one_of(*got.error, expected.failures)) return "a barrier gets somebody else's error";
  return {};
}

std::string Lockstep::apply_cancel(std::size_t place) {
  const CancelOutcome got = machine_.cancel(BarrierId(place));
  return got == oracle_.cancel(place) ? "" : "cancel() had the wrong outcome";
}

std::string Lockstep::apply_begin_sync() {
  const MakeDurable action = machine_.begin_sync();
  if (action.kind != oracle_.begin_sync()) {
    return std::string("a sync begins as ") + name_of(action.kind) + ", which is the wrong kind";
  }
  bool ended_so_far = true;
  for (const Oracle::Write& write : oracle_.writes()) {
    ended_so_far = ended_so_far && write.ended;
    if (write.epoch != Epoch() && (write.epoch <= action.through) != ended_so_far) {
      return "a sync claims a write that has not ended, or forgets one that has";
    }
  }
  return {};
}

std::string Lockstep::apply_failure(bool of_sync) {
  const unsigned failure = oracle_.fresh_failure();
  const Errno error = error_of(failure);
  std::vector<BarrierAnswer> answers;
  if (of_sync) {
    machine_.sync_failed(error, answers);
    return compare_answers(answers, oracle_.sync_failed(failure), &error);
  }
  machine_.writeback_failed(error, answers);
  return compare_answers(answers, oracle_.writeback_failed(failure), &error);
}

}  // namespace sluice::testing
