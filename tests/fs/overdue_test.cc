#include "mount/overdue.h"

#include <gtest/gtest.h>

#include <future>

namespace sluicefs {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Overdue, SpeaksWhenTheTimeHasPassed) {
  std::promise<void> said;
  const Overdue overdue(milliseconds(1), [&] { said.set_value(); });
  EXPECT_EQ(said.get_future().wait_for(seconds(60)), std::future_status::ready);
}

TEST(Overdue, SpeaksOnce) {
  int times = 0;
  std::promise<void> said;
  {
    const Overdue overdue(milliseconds(1), [&] {
      if (++times == 1) said.set_value();
    });
    said.get_future().wait();
  }
  EXPECT_EQ(times, 1);
}

TEST(Overdue, SaysNothingAboutWhatEndedInTime) {
  bool said = false;
  {
    const Overdue overdue(hours(1), [&] { said = true; });
  }
  EXPECT_FALSE(said);
}

}  // namespace
}  // namespace sluicefs
