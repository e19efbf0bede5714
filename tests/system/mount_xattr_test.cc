#include <fcntl.h>
#include <linux/limits.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "mount_files.h"
#include "mount_fixture.h"

namespace sluice::testing {
namespace {

class MountXattr : public MountTest {
 protected:
  void SetUp() override {
    MountTest::SetUp();
    if (IsSkipped()) return;
    make_file(at("f"), "x", 0666);
    EXPECT_EQ(::chmod(at("f").c_str(), 0666), 0);
  }
};

int set(const std::string& path, const char* name, const std::string& value, int flags = 0) {
  return error_of(::lsetxattr(path.c_str(), name, value.data(), value.size(), flags));
}
int get_error(const std::string& path, const char* name, std::size_t room) {
  std::string value(room, '\0');
  return error_of(::lgetxattr(path.c_str(), name, value.data(), value.size()));
}

/// Sorted; without what a security module adds.
std::vector<std::string> names_of(const std::string& path) {
  std::array<char, 4096> list{};
  const ssize_t size = ::llistxattr(path.c_str(), list.data(), list.size());
  EXPECT_GE(size, 0) << std::strerror(errno);
  std::vector<std::string> names;
  for (ssize_t at = 0; at < size; at += static_cast<ssize_t>(names.back().size()) + 1) {
    names.emplace_back(list.data() + at);
  }
  std::erase(names, "security.selinux");
  std::sort(names.begin(), names.end());
  return names;
}

TEST_F(MountXattr, EveryNamespaceIsTheSources) {
  for (const char* name : {"user.a", "trusted.a", "security.a"}) {
    EXPECT_EQ(set(at("f"), name, "value"), 0) << name;
    EXPECT_EQ(xattr(source("f"), name), "value") << name;
    EXPECT_EQ(xattr(at("f"), name), "value") << name;
  }
}

TEST_F(MountXattr, AValueMayHoldZeroesAndNothing) {
  const std::string zeroes("\0a\0", 3);
  EXPECT_EQ(set(at("f"), "user.zeroes", zeroes), 0);
  EXPECT_EQ(set(at("f"), "user.empty", ""), 0);
  EXPECT_EQ(xattr(at("f"), "user.zeroes"), zeroes);
  EXPECT_EQ(xattr(at("f"), "user.empty"), "");
}

TEST_F(MountXattr, NoRoomAsksForTheSize) {
  EXPECT_EQ(set(at("f"), "user.a", "value"), 0);
  EXPECT_EQ(::getxattr(at("f").c_str(), "user.a", nullptr, 0), 5);
  EXPECT_EQ(::listxattr(at("f").c_str(), nullptr, 0), ::listxattr(source("f").c_str(), nullptr, 0));
}

TEST_F(MountXattr, TooLittleRoomIsAnError) {
  EXPECT_EQ(set(at("f"), "user.a", "value"), 0);
  EXPECT_EQ(get_error(at("f"), "user.a", 4), ERANGE);
  EXPECT_EQ(get_error(at("f"), "user.a", 5), 0);
  std::array<char, 3> list{};
  EXPECT_EQ(error_of(::listxattr(at("f").c_str(), list.data(), list.size())), ERANGE);
}

TEST_F(MountXattr, OneThatIsNotThereIsNoData) {
  EXPECT_EQ(get_error(at("f"), "user.a", 10), ENODATA);
  EXPECT_EQ(error_of(::removexattr(at("f").c_str(), "user.a")), ENODATA);
}

TEST_F(MountXattr, CreateSparesWhatExists) {
  EXPECT_EQ(set(at("f"), "user.a", "1", XATTR_CREATE), 0);
  EXPECT_EQ(set(at("f"), "user.a", "2", XATTR_CREATE), EEXIST);
  EXPECT_EQ(xattr(source("f"), "user.a"), "1");
}

TEST_F(MountXattr, ReplaceNeedsWhatExists) {
  EXPECT_EQ(set(at("f"), "user.a", "1", XATTR_REPLACE), ENODATA);
  EXPECT_EQ(set(at("f"), "user.a", "1"), 0);
  EXPECT_EQ(set(at("f"), "user.a", "2", XATTR_REPLACE), 0);
  EXPECT_EQ(xattr(source("f"), "user.a"), "2");
}

TEST_F(MountXattr, RemovedItIsGone) {
  EXPECT_EQ(set(at("f"), "user.a", "1"), 0);
  EXPECT_EQ(::removexattr(at("f").c_str(), "user.a"), 0);
  EXPECT_EQ(xattr(source("f"), "user.a"), std::nullopt);
  EXPECT_EQ(names_of(at("f")), std::vector<std::string>{});
}

TEST_F(MountXattr, AllAreListed) {
  for (const char* name : {"user.a", "user.b", "trusted.a", "security.a"}) set(source("f"), name, "1");
  EXPECT_EQ(names_of(at("f")), (std::vector<std::string>{"security.a", "trusted.a", "user.a", "user.b"}));
}

TEST_F(MountXattr, TrustedOnesAreRootsAlone) {
  ASSERT_EQ(set(at("f"), "trusted.a", "secret"), 0);
  ASSERT_EQ(set(at("f"), "user.a", "1"), 0);
  const std::string path = at("f");
  EXPECT_EQ(run_as({},
                   [&] {
                     char value[16];
                     return error_of(::getxattr(path.c_str(), "trusted.a", value, sizeof value));
                   }),
            ENODATA);
  EXPECT_EQ(run_as({}, [&] { return error_of(::setxattr(path.c_str(), "trusted.a", "x", 1, 0)); }), EPERM);
  EXPECT_EQ(run_as({}, [&] { return static_cast<int>(::listxattr(path.c_str(), nullptr, 0)); }),
            static_cast<int>(sizeof "user.a"));
  EXPECT_EQ(run_as({},
                   [&] {
                     char list[64];
                     const ssize_t size = ::listxattr(path.c_str(), list, sizeof list);
                     return size == sizeof "user.a" && std::strcmp(list, "user.a") == 0 ? 0 : 1;
                   }),
            0);
}

TEST_F(MountXattr, ErrorsAreThoseOfTheSource) {
  make_file(source("bare"), "x");
  ASSERT_EQ(::symlink("f", at("link").c_str()), 0);
  ASSERT_EQ(::symlink("f", source("bare-link").c_str()), 0);
  const std::string long_name = "user." + std::string(250, 'n');
  const std::string too_long_name = long_name + "n";
  EXPECT_EQ(set(at("f"), long_name.c_str(), "1"), set(source("bare"), long_name.c_str(), "1"));
  EXPECT_EQ(set(at("f"), too_long_name.c_str(), "1"), set(source("bare"), too_long_name.c_str(), "1"));
  EXPECT_EQ(set(at("f"), "nonsense", "1"), set(source("bare"), "nonsense", "1"));
  EXPECT_EQ(set(at("f"), "nonsense.a", "1"), set(source("bare"), "nonsense.a", "1"));
  EXPECT_EQ(set(at("f"), "user.", "1"), set(source("bare"), "user.", "1"));
  const std::string too_much(XATTR_SIZE_MAX + 1, 'v');
  EXPECT_EQ(set(at("f"), "user.a", too_much), set(source("bare"), "user.a", too_much));
  const std::string much(XATTR_SIZE_MAX, 'v');
  EXPECT_EQ(set(at("f"), "user.a", much), set(source("bare"), "user.a", much));
  EXPECT_EQ(set(at("link"), "user.a", "1"), set(source("bare-link"), "user.a", "1"));
  EXPECT_EQ(set(at("link"), "trusted.a", "1"), set(source("bare-link"), "trusted.a", "1"));
}

TEST_F(MountXattr, OfASymlinkIsNotThatOfItsTarget) {
  ASSERT_EQ(::symlink("f", at("link").c_str()), 0);
  ASSERT_EQ(set(at("link"), "trusted.a", "of the link"), 0);
  EXPECT_EQ(xattr(source("link"), "trusted.a"), "of the link");
  EXPECT_EQ(xattr(source("f"), "trusted.a"), std::nullopt);
  EXPECT_EQ(names_of(at("link")), std::vector<std::string>{"trusted.a"});
}

TEST_F(MountXattr, ADirectoryHasThem) {
  ASSERT_EQ(::mkdir(at("d").c_str(), 0755), 0);
  ASSERT_EQ(set(at("d"), "user.a", "1"), 0);
  EXPECT_EQ(xattr(source("d"), "user.a"), "1");
}

TEST_F(MountXattr, AnOpenDescriptorReachesThemWhenTheNameIsGone) {
  const UniqueFd fd = open_file(at("f"), O_RDWR);
  ASSERT_EQ(::unlink(at("f").c_str()), 0);
  EXPECT_EQ(::fsetxattr(fd.get(), "user.a", "value", 5, 0), 0);
  std::array<char, 16> value{};
  EXPECT_EQ(::fgetxattr(fd.get(), "user.a", value.data(), value.size()), 5);
}

}  // namespace
}  // namespace sluice::testing
