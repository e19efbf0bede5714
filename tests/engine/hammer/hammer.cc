#include "hammer.h"

#include <thread>
#include <utility>
#include <vector>

namespace sluice::testing {
namespace {

std::unique_ptr<IoBackend> watched(Scene& scene, HammerBackend made) {
  auto backend = std::make_unique<ObservedBackend>(std::move(made.backend), scene.clock, scene.histories,
                                                   std::move(made.meddler));
  scene.observed = backend.get();
  if (!made.lie) return backend;
  return std::make_unique<LyingBackend>(std::move(backend), *made.lie);
}

void run_workers(Scene& scene, const HammerPlan& plan, std::uint32_t seed) {
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < plan.threads; ++i) {
    const std::uint32_t own_seed = seed * 1000 + static_cast<std::uint32_t>(i);
    const bool stops = plan.stop_midway && i == 0;
    threads.emplace_back([&scene, &plan, own_seed, stops] { Worker(scene, plan, own_seed, stops).run(); });
  }
  for (std::thread& thread : threads) thread.join();
}

std::string fault_of(Scene& scene) {
  if (scene.answered < scene.accepted) return "a request was never answered";
  if (scene.answered > scene.accepted) return "a request was answered twice";
  if (scene.cancelled != scene.cancelled_answers) return "a request was cancelled in word only";
  for (auto& [inode, history] : scene.histories) {
    if (std::string lie = history.first_lie(); !lie.empty()) return lie;
  }
  return {};
}

}  // namespace

HammerResult& HammerResult::operator+=(const HammerResult& other) {
  if (fault.empty()) fault = other.fault;
  successes += other.successes;
  errors += other.errors;
  syncs += other.syncs;
  elided += other.elided;
  joined += other.joined;
  cancelled += other.cancelled;
  refused += other.refused;
  early += other.early;
  changed_behind += other.changed_behind;
  return *this;
}

HammerResult hammer(const HammerPlan& plan, std::uint32_t seed, HammerBackend backend) {
  // In storms our own writes often come between the two looks of SyncEngine::changed_behind(). The file then
  // counts as written by somebody whom the judge has not seen.
  Scene scene(plan.files, plan.options.max_inodes < plan.files || plan.storms);
  scene.engine = std::make_unique<SyncEngine>(plan.options, watched(scene, std::move(backend)));
  run_workers(scene, plan, seed);
  scene.engine->stop();
  const CountersSnapshot counters = scene.engine->counters();
  scene.engine.reset();

  HammerResult result;
  result.fault = fault_of(scene);
  for (auto& [inode, history] : scene.histories) {
    result.successes += history.successes();
    result.errors += history.errors();
  }
  result.syncs = counters.data.syncs + counters.full.syncs;
  result.elided = counters.data.elided + counters.full.elided;
  result.joined = counters.data.joined + counters.full.joined;
  result.cancelled = scene.cancelled;
  result.refused = scene.refused;
  result.early = counters.early.started;
  result.changed_behind = counters.changed_behind;
  return result;
}

}  // namespace sluice::testing
