#include "totals.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace sluice::testing {
namespace {

class TotalsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "totals-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  [[nodiscard]] std::filesystem::path path() const { return directory_ / "state"; }

 private:
  std::filesystem::path directory_;
};

TEST_F(TotalsTest, AddUpOverSavingAndLoading) {
  for (int slice = 0; slice < 3; ++slice) {
    Totals totals = Totals::load(path());
    Tally& tally = totals.of("ext4", "records");
    tally.recordings += 1;
    tally.cuts += 60;
    tally.seconds += 1.5;
    totals.of("xfs", "sqlite-wal").lossy += 1;
    totals.save(path());
  }
  Totals totals = Totals::load(path());
  EXPECT_EQ(totals.of("ext4", "records"), (Tally{3, 180, 0, 4.5}));
  EXPECT_EQ(totals.of("xfs", "sqlite-wal"), (Tally{0, 0, 3, 0}));
}

TEST_F(TotalsTest, BeginWithNothing) {
  EXPECT_EQ(Totals::load(path()).of("ext4", "records"), Tally());
}

TEST_F(TotalsTest, AnotherFileIsRefusedAndNotOverwritten) {
  std::ofstream(path()) << "something else\n";
  EXPECT_THROW(static_cast<void>(Totals::load(path())), std::runtime_error);
}

TEST_F(TotalsTest, ADamagedFileIsRefused) {
  Totals totals;
  totals.of("ext4", "records").cuts = 5;
  totals.save(path());
  std::ofstream(path(), std::ios::app) << "ext4 sqlite-wal three\n";
  EXPECT_THROW(static_cast<void>(Totals::load(path())), std::runtime_error);
}

}  // namespace
}  // namespace sluice::testing
