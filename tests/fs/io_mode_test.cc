#include "source/io_mode.h"

#include <gtest/gtest.h>

namespace sluicefs {
namespace {

constexpr IoMode kTracked = IoMode::tracked;
constexpr IoMode kPassthrough = IoMode::passthrough;
constexpr Access kReading = Access::read;
constexpr Access kWriting = Access::write;
constexpr Access kMapping = Access::read_and_write;

/// Stands for a file that the kernel took; only its identity matters here.
IoModeState::SharedBacking some_backing() {
  const auto owner = std::make_shared<int>(0);
  return {owner, reinterpret_cast<const BackingFile*>(owner.get())};
}

/// An open in passthrough from its beginning to its answer, for which a backing file can be had.
std::optional<IoModeState::Settled> pass(IoModeState& state, Access access) {
  if (state.opened(kPassthrough) == kTracked) return IoModeState::Settled{};
  const IoModeState::SharedBacking in_use = state.backing();
  auto settled = state.settle(in_use ? in_use : some_backing(), access);
  if (settled && settled->mark_opaque) state.marked_opaque();
  return settled;
}

TEST(IoModeState, TheFirstOpenDecides) {
  for (const IoMode wanted : {kTracked, kPassthrough}) {
    IoModeState state;
    EXPECT_EQ(state.opened(wanted), wanted);
    for (const IoMode later : {kTracked, kPassthrough}) EXPECT_EQ(state.opened(later), wanted);
  }
}

TEST(IoModeState, NotBeforeTheLastOfSeveralIsClosedIsItUndecidedAgain) {
  IoModeState state;
  state.opened(kTracked);
  state.opened(kTracked);
  state.closed();
  EXPECT_EQ(state.opened(kPassthrough), kTracked);
  state.closed();
  state.closed();
  EXPECT_EQ(state.opened(kPassthrough), kPassthrough);
}

TEST(IoModeState, PassthroughThatWasOnlyReadThenClosedIsUndecided) {
  IoModeState state;
  pass(state, kReading);
  EXPECT_TRUE(state.in_passthrough());
  state.closed();
  EXPECT_FALSE(state.in_passthrough());
  EXPECT_EQ(state.opened(kTracked), kTracked);
}

TEST(IoModeState, PassthroughThatWasOpenForWritingStaysForGood) {
  for (const Access access : {kWriting, kMapping}) {
    IoModeState state;
    pass(state, access);
    state.closed();
    for (int round = 0; round < 3; ++round) {
      EXPECT_TRUE(state.in_passthrough());
      EXPECT_EQ(state.opened(kTracked), kPassthrough);
      state.closed();
    }
  }
}

TEST(IoModeState, ALaterOpenForWritingMakesPassthroughStayToo) {
  IoModeState state;
  const auto reader = pass(state, kReading);
  const auto writer = pass(state, kWriting);
  EXPECT_TRUE(writer->mark_opaque);
  state.closed();
  state.closed();
  EXPECT_EQ(state.opened(kTracked), kPassthrough);
}

TEST(IoModeState, OpensThatOverlapShareOneBackingFile) {
  IoModeState state;
  const auto first = pass(state, kReading);
  state.opened(kPassthrough);
  const auto racing = state.settle(some_backing(), kWriting);
  EXPECT_EQ(racing->backing, first->backing) << "whatever the second had the kernel take";
}

TEST(IoModeState, TheBackingFileEndsWithTheLastOpenFile) {
  IoModeState state;
  auto first = pass(state, kWriting);
  auto second = pass(state, kWriting);
  const std::weak_ptr<const BackingFile> watched = first->backing;
  state.closed();
  first.reset();
  EXPECT_FALSE(watched.expired());
  state.closed();
  second.reset();
  EXPECT_TRUE(watched.expired());
  EXPECT_EQ(state.backing(), nullptr);
  EXPECT_NE(pass(state, kReading)->backing, nullptr) << "the next open gets one of its own";
}

TEST(IoModeState, WithoutABackingFileItBecomesTracked) {
  IoModeState state;
  EXPECT_EQ(state.opened(kPassthrough), kPassthrough);
  EXPECT_EQ(state.opened(kPassthrough), kPassthrough);
  const auto settled = state.settle(nullptr, kMapping);
  ASSERT_TRUE(settled);
  EXPECT_EQ(settled->backing, nullptr);
  EXPECT_FALSE(settled->mark_opaque);
  EXPECT_FALSE(state.in_passthrough());
  EXPECT_EQ(state.settle(some_backing(), kMapping)->backing, nullptr) << "though the other did get one";
  EXPECT_FALSE(state.times_unseen());
}

TEST(IoModeState, ButNotWhileAnotherOpenIsInPassthrough) {
  IoModeState state;
  const auto first = pass(state, kReading);
  state.opened(kPassthrough);
  EXPECT_EQ(state.settle(nullptr, kReading)->backing, first->backing);
}

TEST(IoModeState, NorOnceItMayHaveBeenMapped) {
  IoModeState state;
  pass(state, kMapping);
  state.closed();
  EXPECT_EQ(state.opened(kTracked), kPassthrough);
  EXPECT_FALSE(state.settle(nullptr, kReading).has_value());
}

TEST(IoModeState, EveryWriterIsToldToMarkItOpaqueUntilThatIsDone) {
  IoModeState state;
  EXPECT_FALSE(pass(state, kReading)->mark_opaque);
  state.opened(kPassthrough);
  state.opened(kPassthrough);
  EXPECT_TRUE(state.settle(some_backing(), kWriting)->mark_opaque);
  EXPECT_TRUE(state.settle(some_backing(), kWriting)->mark_opaque) << "the first may not have come to it";
  state.marked_opaque();
  state.marked_opaque();
  EXPECT_FALSE(pass(state, kWriting)->mark_opaque);
  EXPECT_EQ(state.opaque_marks(), 2U);
}

TEST(IoModeState, OnlyWhoReadsAndWritesCanMapItToWrite) {
  IoModeState state;
  EXPECT_FALSE(pass(state, kReading)->first_to_map);
  EXPECT_FALSE(pass(state, kWriting)->first_to_map);
  EXPECT_FALSE(state.times_unseen());
  EXPECT_TRUE(pass(state, kMapping)->first_to_map);
  EXPECT_FALSE(pass(state, kMapping)->first_to_map);
  EXPECT_TRUE(state.times_unseen());
}

}  // namespace
}  // namespace sluicefs
