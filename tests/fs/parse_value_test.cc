#include "mount/parse_value.h"

#include <gtest/gtest.h>

#include <array>

namespace sluicefs {
namespace {

using std::chrono::duration;

TEST(ParseNumber, TakesDecimalNumbersThatFit) {
  EXPECT_EQ(parse_number("0"), 0U);
  EXPECT_EQ(parse_number("64"), 64U);
  EXPECT_EQ(parse_number("4294967295"), 4294967295U);
}

TEST(ParseNumber, TakesNothingElse) {
  for (const char* const text : {"", " 1", "1 ", "+1", "-1", "1.0", "0x10", "1k", "4294967296", "ten"}) {
    EXPECT_FALSE(parse_number(text)) << text;
  }
}

TEST(ParseDuration, KnowsItsUnits) {
  struct Case {
    const char* text;
    double seconds;
  };
  constexpr std::array kCases = {Case{"0", 0},    Case{"30", 30},     Case{"1.5", 1.5},
                                 Case{"2s", 2},   Case{"200ms", 0.2}, Case{"50us", 0.00005},
                                 Case{"3m", 180}, Case{"1h", 3600},   Case{"0.5h", 1800},
                                 Case{".5", 0.5}, Case{"5.", 5},      Case{"007", 7}};
  for (const Case& known : kCases) {
    const auto parsed = parse_duration(known.text);
    ASSERT_TRUE(parsed) << known.text;
    EXPECT_DOUBLE_EQ(parsed->count(), known.seconds) << known.text;
  }
}

TEST(ParseDuration, TakesNothingElse) {
  for (const char* const text :
       {"", "s", "ms", "-1", "-0", "+1", "1 s", "1S", "1min", "1e3", "inf", "nan", "1,5", "1.5.5", "soon"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(SplitOptionList, SplitsAtCommasAndLeavesEmptyItemsOut) {
  using List = std::vector<std::string>;
  EXPECT_EQ(split_option_list(""), List());
  EXPECT_EQ(split_option_list("ro"), List{"ro"});
  EXPECT_EQ(split_option_list("ro,nosuid"), (List{"ro", "nosuid"}));
  EXPECT_EQ(split_option_list(",ro,,nosuid,"), (List{"ro", "nosuid"}));
}

TEST(SplitOptionList, ABackslashTakesTheNextCharacterAsItIs) {
  using List = std::vector<std::string>;
  EXPECT_EQ(split_option_list(R"(x-a=1\,2,ro)"), (List{"x-a=1,2", "ro"}));
  EXPECT_EQ(split_option_list(R"(x-a=\\,ro)"), (List{"x-a=\\", "ro"}));
  EXPECT_EQ(split_option_list(R"(x-a=\)"), (List{"x-a=\\"}));
}

constexpr std::array<std::string_view, 4> kNames = {"data", "max-syncs", "entry-timeout", "ro"};

TEST(NearestName, FindsWhatWasMisspelt) {
  EXPECT_EQ(nearest_name("dta", kNames), "data");
  EXPECT_EQ(nearest_name("max-sync", kNames), "max-syncs");
  EXPECT_EQ(nearest_name("maxsyncs", kNames), "max-syncs");
  EXPECT_EQ(nearest_name("entrytimeout", kNames), "entry-timeout");
  EXPECT_EQ(nearest_name("row", kNames), "ro");
}

TEST(NearestName, FindsNothingForAnotherWord) {
  for (const char* const typed : {"", "x", "xy", "cache", "passthrough", "entry"}) {
    EXPECT_FALSE(nearest_name(typed, kNames)) << typed;
  }
}

}  // namespace
}  // namespace sluicefs
