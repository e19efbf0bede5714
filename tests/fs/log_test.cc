#include "process/log.h"

#include <gtest/gtest.h>

namespace sluicefs {
namespace {

TEST(OneLine, StaysOneLineWhateverTheArgumentsBring) {
  EXPECT_EQ(one_line("plain text, gr\xc3\xbc\xc3\x9f"), "plain text, gr\xc3\xbc\xc3\x9f");
  EXPECT_EQ(one_line("a\nb\r\t\x1b[31m\x7f"), "a\\012b\\015\\011\\033[31m\\177");
  EXPECT_EQ(one_line(""), "");
}

TEST(PrintError, WritesOneLineToStandardError) {
  ::testing::internal::CaptureStderr();
  print_error("SOURCE /a\nb does not exist");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "sluicefs: SOURCE /a\\012b does not exist\n");
}

}  // namespace
}  // namespace sluicefs
