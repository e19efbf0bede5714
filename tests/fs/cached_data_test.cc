#include "source/cached_data.h"

#include <gtest/gtest.h>

namespace sluicefs {
namespace {

class CachedDataTest : public ::testing::Test {
 protected:
  /// The source is asked, and found to have been changed at `time` last.
  void find(time_t time) { data_.found(changed_at(time), data_.look()); }
  void write() { const CachedData::OwnChange change(data_); }

  static struct stat changed_at(time_t time) {
    struct stat attributes {};
    attributes.st_mtim.tv_sec = time;
    return attributes;
  }

  CachedData data_;
};

TEST_F(CachedDataTest, WhatIsFoundForTheFirstTimeIsGood) {
  find(1);
  EXPECT_FALSE(data_.take_stale());
}

TEST_F(CachedDataTest, WhatOthersHaveChangedIsStaleOnce) {
  find(1);
  find(2);
  EXPECT_TRUE(data_.take_stale());
  EXPECT_FALSE(data_.take_stale());
  find(2);
  EXPECT_FALSE(data_.take_stale());
}

TEST_F(CachedDataTest, WhatCouldNotBeDroppedStaysStale) {
  find(1);
  find(2);
  EXPECT_TRUE(data_.take_stale());
  data_.put_stale();
  EXPECT_TRUE(data_.take_stale());
}

TEST_F(CachedDataTest, AnotherSizeIsAChangeToo) {
  find(1);
  struct stat longer = changed_at(1);
  longer.st_size = 1;
  data_.found(longer, data_.look());
  EXPECT_TRUE(data_.take_stale());
}

TEST_F(CachedDataTest, OurWriteIsNotTakenForOthersWhileTheFileIsOpenForWriting) {
  find(1);
  data_.opened(true);
  write();
  find(2);
  EXPECT_FALSE(data_.take_stale());
}

TEST_F(CachedDataTest, WhatWeWroteAndPerhapsOthersIsStaleWhenTheLastWriterHasClosed) {
  find(1);
  data_.opened(true);
  data_.opened(true);
  data_.opened(false);
  write();
  find(2);
  data_.closed(true);
  EXPECT_FALSE(data_.take_stale());
  data_.closed(true);
  EXPECT_TRUE(data_.take_stale());
}

TEST_F(CachedDataTest, WhatOthersChangeAfterOurLastWriteIsStaleAtOnce) {
  find(1);
  data_.opened(true);
  write();
  find(2);
  find(3);
  EXPECT_TRUE(data_.take_stale());
}

TEST_F(CachedDataTest, AnOldAnswerThatCameLateIsNotTakenForAChange) {
  data_.opened(true);
  find(1);
  const CachedData::Look early = data_.look();
  write();
  find(2);
  data_.found(changed_at(1), early);
  find(2);
  EXPECT_FALSE(data_.take_stale());
}

TEST_F(CachedDataTest, AnAnswerDuringOurWriteIsNotTakenForAChange) {
  data_.opened(true);
  find(1);
  {
    const CachedData::OwnChange change(data_);
    EXPECT_FALSE(data_.look());
    find(2);
  }
  find(2);
  EXPECT_FALSE(data_.take_stale());
}

}  // namespace
}  // namespace sluicefs
