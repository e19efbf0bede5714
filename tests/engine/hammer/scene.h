#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

#include "history.h"
#include "observed_backend.h"
#include "sluice/sync_engine.h"
#include "temp_files.h"

namespace sluice::testing {

/// What the threads of a hammer share: files, an engine that is watched, and what was seen.
struct Scene {
  Scene(std::size_t count, bool forgettable) : files(count) {
    for (std::size_t i = 0; i < count; ++i) histories.try_emplace(files.key(i).inode, forgettable);
  }

  [[nodiscard]] History& history(std::size_t file) { return histories.at(files.key(file).inode); }

  TempFiles files;
  TickClock clock;
  Histories histories;
  std::unique_ptr<SyncEngine> engine;
  ObservedBackend* observed = nullptr;  ///< The engine's, or what its backend stands on.

  std::atomic<std::size_t> accepted{0};           ///< Requests that the engine has taken.
  std::atomic<std::size_t> answered{0};           ///< Calls of a callback.
  std::atomic<std::size_t> cancelled{0};          ///< Outcomes of cancel().
  std::atomic<std::size_t> cancelled_answers{0};  ///< ECANCELED.
  std::atomic<std::size_t> refused{0};            ///< EAGAIN.
};

}  // namespace sluice::testing
