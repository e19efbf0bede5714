#include "source/cached_data.h"

#include <gtest/gtest.h>

#include <optional>
#include <thread>
#include <utility>

namespace sluicefs {
namespace {

class CachedDataTest : public ::testing::Test {
 protected:
  /// The source is asked long afterwards, and found to have been changed at `time` last.
  void find(time_t time) { find_at(kLongAfter, time); }
  void find_at(time_t now, time_t time) { data_.found(changed_at(time), data_.look(now)); }
  void write() { const CachedData::OwnChange change(data_); }
  bool drops() {
    CachedData::Drop drop(data_);
    drop.done();
    return drop.due();
  }

  static struct stat changed_at(time_t time) {
    struct stat attributes {};
    attributes.st_mtim.tv_sec = time;
    return attributes;
  }

  static constexpr time_t kLongAfter = 1000;
  CachedData data_;
};

TEST_F(CachedDataTest, WhatIsFoundForTheFirstTimeIsGood) {
  find(1);
  EXPECT_FALSE(drops());
}

TEST_F(CachedDataTest, WhatOthersHaveChangedIsDroppedOnce) {
  find(1);
  find(2);
  EXPECT_TRUE(drops());
  EXPECT_FALSE(drops());
  find(2);
  EXPECT_FALSE(drops());
}

TEST_F(CachedDataTest, WhatCouldNotBeDroppedIsToBeDroppedStill) {
  find(1);
  find(2);
  { EXPECT_TRUE(CachedData::Drop(data_).due()); }
  EXPECT_TRUE(drops());
}

TEST_F(CachedDataTest, AnotherSizeIsAChangeToo) {
  find(1);
  struct stat longer = changed_at(1);
  longer.st_size = 1;
  data_.found(longer, data_.look(kLongAfter));
  EXPECT_TRUE(drops());
}

TEST_F(CachedDataTest, WhatOthersDoToAFileThatWeHaveMadeIsAChange) {
  data_.made(changed_at(1));
  find(2);
  EXPECT_TRUE(drops());
}

TEST_F(CachedDataTest, NothingIsDroppedWhileTheFileIsOpenForWriting) {
  find(1);
  EXPECT_TRUE(data_.opened(true));
  EXPECT_TRUE(data_.opened(true));
  EXPECT_TRUE(data_.opened(false));
  write();
  find(2);
  find(3);
  EXPECT_FALSE(drops());
  data_.closed(true);
  EXPECT_FALSE(drops());
  data_.closed(true);
  EXPECT_TRUE(drops());
}

TEST_F(CachedDataTest, NobodyOpensForWritingWhileItIsDropped) {
  find(1);
  find(2);
  {
    CachedData::Drop drop(data_);
    ASSERT_TRUE(drop.due());
    EXPECT_FALSE(data_.opened(true));
    EXPECT_TRUE(data_.opened(false));
    EXPECT_FALSE(CachedData::Drop(data_).due()) << "once at a time";
    drop.done();
  }
  data_.await_drop();
  EXPECT_TRUE(data_.opened(true));
}

TEST_F(CachedDataTest, WhoWaitsForADropGoesOnWhenItIsDone) {
  find(1);
  find(2);
  std::optional<CachedData::Drop> drop(std::in_place, data_);
  ASSERT_TRUE(drop->due());
  std::thread writer([&] {
    while (!data_.opened(true)) data_.await_drop();
  });
  drop.reset();
  writer.join();
  EXPECT_TRUE(data_.is_open());
}

TEST_F(CachedDataTest, AnAnswerDuringOurWriteIsNotTakenForWhatIsKnown) {
  find(1);
  {
    const CachedData::OwnChange change(data_);
    EXPECT_FALSE(data_.look(kLongAfter).changes);
    find(2);
  }
  EXPECT_TRUE(drops());
  find(3);
  EXPECT_TRUE(drops());
}

// Somebody's write(2) has stamped the time, and its bytes are still to come.
TEST_F(CachedDataTest, WhatWasFoundYoungIsDroppedOnceMoreWhenItHasAged) {
  find_at(10, 1);
  find_at(10, 9);
  EXPECT_TRUE(drops());
  find_at(10, 9);
  EXPECT_FALSE(drops());
  find_at(9 + CachedData::kUnsettledS, 9);
  EXPECT_TRUE(drops());
  find(9);
  EXPECT_FALSE(drops());
}

TEST_F(CachedDataTest, OurOwnWriteNeedNotAge) {
  find_at(10, 1);
  write();
  find_at(10, 10);
  EXPECT_TRUE(drops());
  find(10);
  EXPECT_FALSE(drops());
}

}  // namespace
}  // namespace sluicefs
