#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "ledger.h"
#include "workload.h"

namespace sluice::bench {

/// One thread of a run. What it holds is its own.
class Caller {
 public:
  Caller(unsigned number, Ledger ledger) : number_(number), random_(number + 1), ledger_(std::move(ledger)) {}

  [[nodiscard]] unsigned number() const { return number_; }
  /// Evenly distributed below `limit`.
  [[nodiscard]] std::size_t below(std::size_t limit) { return random_() % limit; }
  /// A sync was answered with success, and means `fact`.
  void acknowledged(Fact fact) {
    ++acknowledged_;
    ledger_.acknowledged(std::move(fact));
  }
  /// The same, of a sync that promises nothing new.
  void acknowledged() { ++acknowledged_; }
  /// As Ledger::released().
  void released(const std::string& path) { ledger_.released(path); }

 private:
  friend class CallerGroup;

  const unsigned number_;
  std::minstd_rand random_;
  Ledger ledger_;
  std::uint64_t acknowledged_ = 0;
  double operations_ = 0;
  std::vector<double> latencies_us_;
};

using Operation = std::function<void(Caller& caller)>;
/// The piece of work with this number, from 0.
using Piece = std::function<void(Caller& caller, std::size_t number)>;

/// Everybody does `operation` again and again until the setting's duration is over. A caller's state is
/// fresh. What one of them throws, this throws when all have ended.
[[nodiscard]] Sample repeat(const Setting& setting, Ledger& ledger, const Operation& operation);

/// The pieces 0 to `pieces`-1 once, every caller its share of them; takes as long as it takes. A piece is one
/// operation.
[[nodiscard]] Sample work_off(const Setting& setting, Ledger& ledger, std::size_t pieces, const Piece& piece);

/// repeat(), while `others` do `beside` until it is done. The sample tells of `operation`; acknowledgements
/// are those of all.
[[nodiscard]] Sample repeat_beside(const Setting& setting, Ledger& ledger, const Operation& operation,
                                   unsigned others, const Operation& beside);

}  // namespace sluice::bench
