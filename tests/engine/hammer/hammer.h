#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "lying_backend.h"
#include "observed_backend.h"
#include "worker.h"

namespace sluice::testing {

/// What was seen of a round.
struct HammerResult {
  /// What the engine did wrong, or an empty text.
  std::string fault;
  std::size_t successes = 0;
  std::size_t errors = 0;
  std::size_t syncs = 0;
  std::size_t elided = 0;
  std::size_t joined = 0;
  std::size_t cancelled = 0;
  std::size_t refused = 0;
  std::size_t early = 0;           ///< Syncs that nobody had asked for.
  std::size_t changed_behind = 0;  ///< Elisions given up.

  HammerResult& operator+=(const HammerResult& other);
};

/// What the engine is given.
struct HammerBackend {
  std::unique_ptr<IoBackend> backend;
  ObservedBackend::Meddler meddler;
  std::optional<Lie> lie;
};

/// Lets many threads loose on one engine, and judges what it told them.
HammerResult hammer(const HammerPlan& plan, std::uint32_t seed, HammerBackend backend);

}  // namespace sluice::testing
