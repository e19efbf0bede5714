#include "ledger.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <array>
#include <fstream>
#include <sstream>

#include "remove_tree.h"
#include "scratch_directory.h"

namespace sluice::bench {
namespace {

class LedgerTest : public ::testing::Test {
 protected:
  void acknowledge(const std::string& path, std::uint64_t offset, Version version) {
    ledger_.acknowledged({path, {}, offset, 512, version, {}});
  }
  /// "PATH@OFFSET=VERSION" words.
  [[nodiscard]] std::string facts_at(LogPosition position) const {
    std::string words;
    for (const Fact& fact : ledger_.facts_at(position)) {
      words += (words.empty() ? "" : " ") + fact.path + "@" + std::to_string(fact.offset_bytes) + "=" +
               std::to_string(fact.version);
    }
    return words;
  }

  LogPosition position_ = 0;
  Ledger ledger_{[this] { return position_; }};
};

TEST_F(LedgerTest, WhatIsAcknowledgedAfterTheCutNeedNotHold) {
  position_ = 10;
  acknowledge("a", 0, 1);
  position_ = 20;
  acknowledge("a", 0, 2);
  EXPECT_EQ(facts_at(9), "");
  EXPECT_EQ(facts_at(10), "a@0=1");
  EXPECT_EQ(facts_at(20), "a@0=2");
}

TEST_F(LedgerTest, PlacesOfAFileAreFactsOfTheirOwn) {
  acknowledge("a", 0, 1);
  acknowledge("a", 512, 2);
  EXPECT_EQ(facts_at(0), "a@0=1 a@512=2");
}

TEST_F(LedgerTest, WhatIsTakenBackNeedNotHold) {
  position_ = 10;
  acknowledge("a", 0, 1);
  position_ = 20;
  ledger_.released("a");
  EXPECT_EQ(facts_at(19), "a@0=1");
  EXPECT_EQ(facts_at(20), "");
}

// As under a liar, whose log stands still.
TEST_F(LedgerTest, WhatIsPromisedAfterwardsHoldsAtTheSamePositionToo) {
  acknowledge("a", 0, 1);
  ledger_.released("a");
  acknowledge("a", 0, 2);
  EXPECT_EQ(facts_at(0), "a@0=2");
}

TEST_F(LedgerTest, SavedAndLoadedItSaysTheSame) {
  position_ = 10;
  acknowledge("a", 0, 1);
  ledger_.acknowledged({"b", "c", 512, 1024, 3, {}});
  position_ = 20;
  ledger_.released("a");
  std::stringstream text;
  ledger_.save(text);
  const Ledger loaded = Ledger::load(text);
  EXPECT_EQ(loaded.facts(), ledger_.facts());
  EXPECT_EQ(loaded.facts_at(10), ledger_.facts_at(10));
  EXPECT_EQ(loaded.facts_at(20), ledger_.facts_at(20));
}

TEST(LedgerWithoutALog, NotesNothing) {
  Ledger ledger;
  ledger.acknowledged({"a", {}, 0, 512, 1, {}});
  EXPECT_TRUE(ledger.facts().empty());
}

class Losses : public ::testing::Test {
 protected:
  void write(const std::string& name, Version version) const {
    std::array<std::byte, 1024> data{};
    stamp(data, 0, version);
    std::ofstream(directory_.path() / name).write(reinterpret_cast<const char*>(data.data()), data.size());
  }
  [[nodiscard]] std::size_t lost(const Fact& fact) const { return losses({fact}, directory_.path()).size(); }

  const ScratchDirectory directory_{std::filesystem::temp_directory_path()};
};

TEST_F(Losses, ALaterVersionIsNoLoss) {
  write("a", 2);
  EXPECT_EQ(lost({"a", {}, 0, 1024, 2, {}}), 0U);
  EXPECT_EQ(lost({"a", {}, 0, 1024, 1, {}}), 0U);
  EXPECT_EQ(lost({"a", {}, 0, 1024, 3, {}}), 1U);
}

TEST_F(Losses, AFileThatIsNotThereOrTooShortIsALoss) {
  write("a", 1);
  EXPECT_EQ(lost({"b", {}, 0, 1024, 1, {}}), 1U);
  EXPECT_EQ(lost({"a", {}, 0, 2048, 1, {}}), 1U);
}

TEST_F(Losses, ContentMayBeUnderTheOtherName) {
  write("a", 1);
  EXPECT_EQ(lost({"b", "a", 0, 1024, 1, {}}), 0U);
}

TEST_F(Losses, AWordOfAnEarlierVersionIsALoss) {
  write("a", 2);
  std::array<std::byte, 8> old{};
  stamp(old, 0, 1);
  std::fstream file(directory_.path() / "a", std::ios::in | std::ios::out);
  file.seekp(1016);
  file.write(reinterpret_cast<const char*>(old.data()), old.size());
  file.close();
  EXPECT_EQ(lost({"a", {}, 0, 1024, 2, {}}), 1U);
}

}  // namespace
}  // namespace sluice::bench
