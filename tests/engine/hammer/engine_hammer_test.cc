#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>

#include "fake_backend.h"
#include "hammer.h"

// Many threads at one engine, over every backend, in random orders; what they are told must be true. And
// liars in the place of the backend, who must be caught.

namespace sluice::testing {
namespace {

/// Of this run: SLUICE_TEST_SEED, or a new one. It decides what each thread does, but not when.
std::uint32_t seed_of_run() {
  static const std::uint32_t seed = [] {
    const char* const given = std::getenv("SLUICE_TEST_SEED");
    const std::uint32_t chosen = given != nullptr
                                     ? static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10))
                                     : std::random_device()();
    std::printf("SLUICE_TEST_SEED=%u\n", chosen);
    return chosen;
  }();
  return seed;
}

std::size_t rounds(std::size_t usual) {
  return std::getenv("SLUICE_TEST_LONG") == nullptr ? usual : usual * 20;
}

// ---- Backends ----

/// In percent, how often a sync fails, and how often it never runs.
struct Troubles {
  unsigned failures = 0;
  unsigned never_ran = 0;
};

SyncAnswer random_answer(Troubles troubles, std::mt19937& random) {
  const auto chance = static_cast<unsigned>(random() % 100);
  if (chance < troubles.failures) return SyncAnswer::failure(random() % 2 == 0 ? EIO : ENOSPC);
  if (chance < troubles.failures + troubles.never_ran) return SyncAnswer::never_ran();
  return SyncAnswer::success();
}

/// Ends its syncs in random order; how many run at once is random, too.
Result<HammerBackend> make_fake(Troubles troubles, std::uint32_t seed) {
  auto fake = std::make_unique<FakeBackend>(2 + seed % 7);
  fake->end_in_random_order(seed, [troubles, random = std::mt19937(seed)](const SubmittedSync&) mutable {
    return random_answer(troubles, random);
  });
  return HammerBackend{std::move(fake), {}, {}};
}

/// A real one, whose syncs are made, and said afterwards to have failed or not to have run.
Result<HammerBackend> make_real(BackendChoice choice, Troubles troubles, std::uint32_t seed) {
  Result<std::unique_ptr<IoBackend>> backend = make_backend(choice, 2 + seed % 7);
  if (!backend) return fail(backend.error());
  const auto meddler = [troubles, random = std::mt19937(seed)](IoCompletion completion) mutable {
    const SyncAnswer answer = random_answer(troubles, random);
    return IoCompletion{completion.token, answer.outcome, answer.error};
  };
  return HammerBackend{std::move(*backend), meddler, {}};
}

Result<HammerBackend> make_uring(Troubles troubles, std::uint32_t seed) {
  return make_real(BackendChoice::io_uring, troubles, seed);
}

Result<HammerBackend> make_threads(Troubles troubles, std::uint32_t seed) {
  return make_real(BackendChoice::threads, troubles, seed);
}

struct Maker {
  const char* name;
  Result<HammerBackend> (*make)(Troubles troubles, std::uint32_t seed);
  std::size_t rounds;
};

// ---- The tests ----

HammerPlan one_inode() {
  HammerPlan plan;
  plan.files = 1;
  plan.steps = 400;
  return plan;
}

/// More than the tables have room for.
HammerPlan many_inodes() {
  HammerPlan plan;
  plan.files = 24;
  plan.steps = 600;
  plan.options.max_inodes = 1;
  plan.options.max_dirty_descriptors = 4;
  plan.options.max_clean_descriptors = 2;
  return plan;
}

/// Dirty ones stay with their descriptors, so that they are synced before anybody asks.
HammerPlan inodes_synced_early() {
  HammerPlan plan;
  plan.files = 24;
  plan.threads = 4;
  plan.steps = 150;
  plan.storms = true;
  plan.options.sync_ahead_limit = 16;
  return plan;
}

class EngineHammer : public ::testing::TestWithParam<Maker> {
 protected:
  HammerResult run(HammerPlan plan, Troubles troubles) {
    HammerResult all;
    plan.failures = troubles.failures > 0;
    for (std::size_t round = 0; round < rounds(GetParam().rounds); ++round) {
      const std::uint32_t seed = seed_of_run() + static_cast<std::uint32_t>(round);
      Result<HammerBackend> backend = GetParam().make(troubles, seed);
      if (!backend) {
        skipped_ = true;
        return all;
      }
      all += hammer(plan, seed, std::move(*backend));
      EXPECT_EQ(all.fault, "") << "round " << round << " of SLUICE_TEST_SEED=" << seed_of_run();
      if (!all.fault.empty()) break;
    }
    std::printf(
        "%zu successes, %zu errors, %zu cancelled, %zu refused; %zu syncs, %zu joined, %zu elided, %zu "
        "early, %zu changed\n",
        all.successes, all.errors, all.cancelled, all.refused, all.syncs, all.joined, all.elided, all.early,
        all.changed_behind);
    EXPECT_GT(all.successes, 0U);
    return all;
  }
  void TearDown() override {
    if (skipped_) GTEST_SKIP() << GetParam().name << " is not to be had here";
  }

 private:
  bool skipped_ = false;
};

INSTANTIATE_TEST_SUITE_P(, EngineHammer,
                         ::testing::Values(Maker{"fake", make_fake, 6}, Maker{"io_uring", make_uring, 2},
                                           Maker{"threads", make_threads, 2}),
                         [](const auto& maker) { return maker.param.name; });

TEST_P(EngineHammer, OneInode) {
  EXPECT_GT(run(one_inode(), {.never_ran = 20}).joined, 0U);
}

TEST_P(EngineHammer, OneInodeWithFailures) {
  EXPECT_GT(run(one_inode(), {.failures = 8, .never_ran = 10}).errors, 0U);
}

TEST_P(EngineHammer, ManyInodes) {
  run(many_inodes(), {.never_ran = 20});
}

TEST_P(EngineHammer, ManyInodesWithFailures) {
  EXPECT_GT(run(many_inodes(), {.failures = 8, .never_ran = 10}).errors, 0U);
}

TEST_P(EngineHammer, EarlySyncs) {
  EXPECT_GT(run(inodes_synced_early(), {.never_ran = 10}).early, 0U);
}

TEST_P(EngineHammer, EarlySyncsWithFailures) {
  EXPECT_GT(run(inodes_synced_early(), {.failures = 4, .never_ran = 10}).early, 0U);
}

TEST_P(EngineHammer, EarlySyncsWithFullTables) {
  HammerPlan plan = many_inodes();
  plan.storms = true;
  plan.threads = 4;
  plan.steps = 150;
  plan.options.sync_ahead_limit = 16;
  run(plan, {.failures = 4, .never_ran = 10});
}

TEST_P(EngineHammer, FullQueue) {
  HammerPlan plan = many_inodes();
  plan.options.max_requests = 3;
  EXPECT_GT(run(plan, {.failures = 5}).refused, 0U);
}

TEST_P(EngineHammer, StoppedMidway) {
  HammerPlan plan = many_inodes();
  plan.stop_midway = true;
  run(plan, {.failures = 5, .never_ran = 10});
}

// ---- Negative controls ----

struct Liar {
  const char* name;
  Lie lie;
};

class EngineHammerControl : public ::testing::TestWithParam<Liar> {};

INSTANTIATE_TEST_SUITE_P(, EngineHammerControl,
                         ::testing::Values(Liar{"success_before_the_end", Lie::success_before_the_end},
                                           Liar{"success_without_a_sync", Lie::success_without_a_sync},
                                           Liar{"success_for_failure", Lie::success_for_failure}),
                         [](const auto& liar) { return liar.param.name; });

TEST_P(EngineHammerControl, LiarIsCaught) {
  constexpr std::uint32_t kRounds = 20;
  HammerPlan plan = one_inode();
  plan.descriptors = false;
  std::string fault;
  for (std::uint32_t round = 0; round < kRounds && fault.empty(); ++round) {
    const std::uint32_t seed = seed_of_run() + round;
    auto fake = std::make_unique<FakeBackend>(64);
    const Troubles troubles{.failures = GetParam().lie == Lie::success_for_failure ? 15U : 0U};
    fake->end_in_random_order(seed, [troubles, random = std::mt19937(seed)](const SubmittedSync&) mutable {
      return random_answer(troubles, random);
    });
    fault = hammer(plan, seed, HammerBackend{std::move(fake), {}, GetParam().lie}).fault;
  }
  EXPECT_EQ(fault.substr(0, 6), "a lie:") << fault;
}

}  // namespace
}  // namespace sluice::testing
