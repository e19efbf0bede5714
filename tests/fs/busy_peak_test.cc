#include "wire/busy_peak.h"

#include <gtest/gtest.h>

namespace sluicefs {
namespace {

void note(BusyPeak& peak, std::size_t busy, std::size_t requests = 1) {
  for (std::size_t i = 0; i < requests; ++i) peak.note(busy);
}

TEST(BusyPeak, IsTheMostThatWereBusy) {
  BusyPeak peak;
  for (const std::size_t busy : {1U, 5U, 3U}) note(peak, busy);
  EXPECT_EQ(peak.peak(), 5U);
}

TEST(BusyPeak, OutlastsAQuietWindow) {
  BusyPeak peak;
  note(peak, 9);
  note(peak, 1, BusyPeak::kWindow);
  EXPECT_EQ(peak.peak(), 9U);
}

TEST(BusyPeak, IsForgottenAfterTwo) {
  BusyPeak peak;
  note(peak, 9);
  note(peak, 1, 2 * BusyPeak::kWindow);
  EXPECT_EQ(peak.peak(), 1U);
}

}  // namespace
}  // namespace sluicefs
