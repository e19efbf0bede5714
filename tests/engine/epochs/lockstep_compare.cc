#include <algorithm>

#include "lockstep.h"

// What the machine and the oracle must agree about, whatever has happened.

namespace sluice::testing {
namespace {

constexpr SyncKind kKinds[] = {SyncKind::data, SyncKind::full};

std::string text(const char* what, SyncKind kind) {
  return std::string(what) + (kind == SyncKind::data ? " data" : " full");
}

}  // namespace

std::string Lockstep::compare_answers(const std::vector<BarrierAnswer>& answers,
                                      const std::vector<std::size_t>& expected, const Errno* error) {
  std::vector<std::size_t> got;
  got.reserve(answers.size());
  for (const BarrierAnswer& answer : answers) {
    got.push_back(answer.id.number());
    if (answer.error.has_value() != (error != nullptr))
      return "a barrier gets success for failure, or the reverse";
    if (error != nullptr && !(*answer.error == *error)) return "a barrier gets the error of another failure";
  }
  std::sort(got.begin(), got.end());
  return got == expected ? "" : "the wrong barriers are answered";
}

std::string Lockstep::compare() const {
  machine_.check_invariants();
  const std::optional<SyncKind> wanted = oracle_.wanted();
  if (machine_.wants_sync() != wanted.has_value()) return wanted ? "no sync is wanted" : "a sync is wanted";
  if (wanted && machine_.priority() != oracle_.priority()) return "the sync has the wrong priority";
  if (machine_.sync_running() != oracle_.sync_running()) return "sync_running() is wrong";
  if (machine_.opaque() != oracle_.opaque()) return "opaque() is wrong";
  if (machine_.removed() != oracle_.removed()) return "removed() is wrong";
  if (machine_.data_at_rest() != oracle_.data_at_rest()) return "data_at_rest() is wrong";
  if (machine_.lost().has_value() != oracle_.tells_loss()) return "lost() is wrong";
  if (machine_.all_synced() != oracle_.all_synced()) return "all_synced() is wrong";
  if (machine_.at_rest() != oracle_.at_rest()) return "at_rest() is wrong";
  if (machine_.forgettable() && !oracle_.may_forget()) return "forgettable, but somebody must be told";
  for (const SyncKind kind : kKinds) {
    if (machine_.would_elide(kind) != oracle_.elides(kind)) return text("would_elide() is wrong for", kind);
    const bool failed = machine_.failed(kind).has_value();
    if (!failed && oracle_.remembers_loss(kind)) return text("a loss is forgotten of", kind);
    if (failed && oracle_.has_no_loss(kind)) return text("a loss is made up of", kind);
  }
  const bool no_loss = oracle_.has_no_loss(SyncKind::data) && oracle_.has_no_loss(SyncKind::full);
  if (!machine_.forgettable() && oracle_.at_rest() && !oracle_.opaque() && (no_loss || oracle_.removed()))
    return "not forgettable, though nobody need be told anything";
  return compare_numbers();
}

std::string Lockstep::compare_numbers() const {
  bool ended = true;
  PerKind<bool> synced{true, true};
  for (const Oracle::Write& write : oracle_.writes()) {
    ended = ended && write.ended;
    for (const SyncKind kind : kKinds) synced[kind] = synced[kind] && write.synced[kind];
    if (write.epoch == Epoch()) continue;
    if (write.epoch > machine_.issued()) return "issued() is too small";
    if ((write.epoch <= machine_.completed()) != ended) return "completed() is wrong";
    for (const SyncKind kind : kKinds) {
      if ((write.epoch <= machine_.durable(kind)) != synced[kind])
        return text("durable() is wrong for", kind);
    }
  }
  return {};
}

}  // namespace sluice::testing
