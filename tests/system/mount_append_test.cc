#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "mount_files.h"
#include "mount_fixture.h"
#include "mount_mapping.h"

namespace sluice::testing {
namespace {

using MountAppend = MountTest;

TEST_F(MountAppend, WritesGoToTheEnd) {
  make_file(at("f"), "head ");
  const UniqueFd fd = open_file(at("f"), O_WRONLY | O_APPEND);
  EXPECT_EQ(::write(fd.get(), "one ", 4), 4);
  EXPECT_EQ(::lseek(fd.get(), 0, SEEK_SET), 0);
  EXPECT_EQ(::write(fd.get(), "two", 3), 3);
  EXPECT_EQ(content(at("f")), "head one two");
  EXPECT_EQ(content(source("f")), "head one two");
}

TEST_F(MountAppend, TwoAppendersOverwriteNothing) {
  constexpr int kEach = 200;
  const auto append = [&](char what) {
    return [this, what](int channel) {
      const int fd = ::open(at("f").c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
      char byte = 0;
      if (::write(channel, &byte, 1) != 1 || ::read(channel, &byte, 1) != 1) return 1;
      const char line[8] = {what, what, what, what, what, what, what, '\n'};
      for (int i = 0; i < kEach; ++i) {
        if (::write(fd, line, sizeof line) != sizeof line) return 2;
      }
      return 0;
    };
  };
  Child a(append('a'));
  Child b(append('b'));
  ASSERT_TRUE(a.ready() && b.ready());
  a.proceed();
  b.proceed();
  EXPECT_EQ(a.wait(), 0);
  EXPECT_EQ(b.wait(), 0);
  const std::string all = content(source("f"));
  ASSERT_EQ(all.size(), 2U * kEach * 8);
  int of_a = 0;
  for (std::size_t i = 0; i < all.size(); i += 8) {
    EXPECT_TRUE(all.compare(i, 8, "aaaaaaa\n") == 0 || all.compare(i, 8, "bbbbbbb\n") == 0) << i;
    of_a += all[i] == 'a' ? 1 : 0;
  }
  EXPECT_EQ(of_a, kEach);
}

TEST_F(MountAppend, AnAppendFollowsWhatWasAppendedBehindTheMount) {
  make_file(at("f"), "ours ");
  const UniqueFd ours = open_file(at("f"), O_WRONLY | O_APPEND);
  const UniqueFd theirs = open_file(source("f"), O_WRONLY | O_APPEND);
  EXPECT_EQ(::write(theirs.get(), "theirs ", 7), 7);
  EXPECT_EQ(::write(ours.get(), "ours", 4), 4);
  EXPECT_EQ(content(source("f")), "ours theirs ours");
}

TEST_F(MountAppend, ADescriptorThatAppendsNoLongerWritesWhereItStands) {
  make_file(at("f"), "0123456789");
  const UniqueFd fd = open_file(at("f"), O_WRONLY | O_APPEND);
  ASSERT_EQ(::fcntl(fd.get(), F_SETFL, 0), 0);
  EXPECT_EQ(::pwrite(fd.get(), "ab", 2, 4), 2);
  EXPECT_EQ(content(source("f")), "0123ab6789");
}

TEST_F(MountAppend, ADescriptorThatAppendsFromNowOnFollowsWhatWasAppendedBehindTheMount) {
  make_file(at("f"), "ours ");
  const UniqueFd fd = open_file(at("f"), O_WRONLY);
  ASSERT_EQ(::fcntl(fd.get(), F_SETFL, O_APPEND), 0);
  const UniqueFd theirs = open_file(source("f"), O_WRONLY | O_APPEND);
  EXPECT_EQ(::write(theirs.get(), "theirs ", 7), 7);
  EXPECT_EQ(::write(fd.get(), "ours", 4), 4);
  EXPECT_EQ(content(source("f")), "ours theirs ours");
}

TEST_F(MountAppend, MappedPagesOfAFileOpenForAppendingStayInTheirPlace) {
  make_file(at("f"), std::string(8192, '.'));
  // The only open file is the appending one, so pages are written back through it.
  UniqueFd fd = open_file(at("f"), O_RDWR | O_APPEND);
  Mapping mapping(fd.get(), 8192, MAP_SHARED);
  mapping.bytes()[0] = 'm';
  mapping.bytes()[4096] = 'M';
  EXPECT_EQ(::write(fd.get(), "tail", 4), 4);
  EXPECT_EQ(::fsync(fd.get()), 0);
  std::string expected(8192, '.');
  expected[0] = 'm';
  expected[4096] = 'M';
  expected += "tail";
  EXPECT_TRUE(content(source("f")) == expected) << content(source("f")).size();
}

}  // namespace
}  // namespace sluice::testing
