#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <vector>

#include "scene.h"

namespace sluice::testing {

/// What a round of hammering is made of.
struct HammerPlan {
  std::size_t files = 1;
  std::size_t threads = 8;
  std::size_t steps = 200;  ///< Of each thread.
  /// Write-outs fail, and files are truncated often, which ends failures.
  bool failures = false;
  /// Descriptors of their own are held for the files.
  bool descriptors = true;
  /// Now and then a thread writes all files, and then syncs one after the other.
  bool storms = false;
  /// One of the threads stops the engine while the others go on.
  bool stop_midway = false;
  EngineOptions options;
};

/// One thread's random calls of the engine. What it does is told by the seed, when it does it is not.
///
/// Whoever waits for the engine has no mutation under way: the engine might be waiting for that.
class Worker {
 public:
  /// `stops`: it is this one that stops the engine.
  Worker(Scene& scene, const HammerPlan& plan, std::uint32_t seed, bool stops)
      : scene_(scene), plan_(plan), random_(seed), stops_(stops) {}

  void run();

 private:
  struct Ongoing {
    std::size_t file;
    SeenMutation seen;
    std::unique_ptr<OngoingMutation> mutation;
  };

  void step();
  void begin_mutation();
  void begin_mutation(std::size_t file);
  void end_mutation();
  void end_all_mutations();
  void submit();
  void sync_and_wait(std::size_t file);
  void cancel();
  void wait();
  void drain();
  void storm();
  void fail_write_out();
  /// An inode that nobody syncs; there are many of them, so that others are forgotten.
  void touch_stranger();
  void replace();

  [[nodiscard]] std::size_t any(std::size_t count) { return random_() % count; }
  [[nodiscard]] std::size_t any_file() { return any(plan_.files); }

  Scene& scene_;
  const HammerPlan& plan_;
  std::mt19937 random_;
  const bool stops_;
  std::vector<Ongoing> ongoing_;
  std::deque<std::shared_ptr<SyncRequest>> recent_;
};

}  // namespace sluice::testing
