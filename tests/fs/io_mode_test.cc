#include "source/io_mode.h"

#include <gtest/gtest.h>

namespace sluicefs {
namespace {

constexpr IoMode kTracked = IoMode::tracked;
constexpr IoMode kPassthrough = IoMode::passthrough;
constexpr bool kWriting = true;
constexpr bool kReading = false;

TEST(IoModeState, TheFirstOpenDecides) {
  for (const IoMode wanted : {kTracked, kPassthrough}) {
    for (const bool writing : {kReading, kWriting}) {
      IoModeState state;
      EXPECT_EQ(state.opened(wanted, writing), wanted);
    }
  }
}

TEST(IoModeState, WhileItIsOpenLaterOpensGetTheSameModeWhateverTheyWant) {
  for (const IoMode first : {kTracked, kPassthrough}) {
    IoModeState state;
    state.opened(first, kReading);
    for (const IoMode later : {kTracked, kPassthrough}) {
      EXPECT_EQ(state.opened(later, kReading), first);
      EXPECT_EQ(state.opened(later, kWriting), first);
    }
  }
}

TEST(IoModeState, NotBeforeTheLastOfSeveralIsClosedIsItUndecidedAgain) {
  IoModeState state;
  state.opened(kTracked, kWriting);
  state.opened(kTracked, kReading);
  state.closed();
  EXPECT_EQ(state.opened(kPassthrough, kReading), kTracked);
  state.closed();
  state.closed();
  EXPECT_EQ(state.opened(kPassthrough, kReading), kPassthrough);
}

TEST(IoModeState, TrackedThenClosedIsUndecided) {
  for (const bool writing : {kReading, kWriting}) {
    IoModeState state;
    state.opened(kTracked, writing);
    state.closed();
    EXPECT_EQ(state.opened(kPassthrough, kReading), kPassthrough);
  }
}

TEST(IoModeState, PassthroughThatWasOnlyReadThenClosedIsUndecided) {
  IoModeState state;
  state.opened(kPassthrough, kReading);
  state.closed();
  EXPECT_EQ(state.opened(kTracked, kWriting), kTracked);
}

TEST(IoModeState, PassthroughThatWasOpenForWritingStaysForGood) {
  IoModeState state;
  state.opened(kPassthrough, kWriting);
  state.closed();
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(state.opened(kTracked, kReading), kPassthrough);
    state.closed();
  }
}

TEST(IoModeState, ALaterOpenForWritingMakesPassthroughStayToo) {
  IoModeState state;
  state.opened(kPassthrough, kReading);
  EXPECT_EQ(state.opened(kTracked, kWriting), kPassthrough);
  state.closed();
  state.closed();
  EXPECT_EQ(state.opened(kTracked, kReading), kPassthrough);
}

TEST(IoModeState, WritingToATrackedInodeDoesNotMakeItStayTracked) {
  IoModeState state;
  state.opened(kTracked, kWriting);
  state.closed();
  state.opened(kPassthrough, kReading);
  state.closed();
  EXPECT_EQ(state.opened(kTracked, kReading), kTracked);
}

}  // namespace
}  // namespace sluicefs
