#include "mount/mount_flags.h"
#include "source/backing.h"

#include <gtest/gtest.h>
#include <sys/statvfs.h>

namespace sluicefs {
namespace {

using Words = std::vector<std::string>;

constexpr unsigned long kAll = ST_NOSUID | ST_NODEV | ST_NOEXEC;

Words words(unsigned long below, const std::vector<std::string>& asked, bool by_root = true) {
  Options options;
  options.mount_flags = asked;
  return words_of(flags_of_mount(options, below, by_root));
}

TEST(MountFlags, OfRootsMountAreThoseOfTheMountBelow) {
  EXPECT_EQ(words(0, {}), (Words{"suid", "dev"}));
  EXPECT_EQ(words(kAll, {}), Words{"noexec"});
  EXPECT_EQ(words(ST_NOSUID, {}), Words{"dev"});
  EXPECT_EQ(words(ST_NODEV, {}), Words{"suid"});
}

TEST(MountFlags, OptionsHaveTheLastWord) {
  EXPECT_EQ(words(kAll, {"suid", "dev", "exec"}), (Words{"suid", "dev"}));
  EXPECT_EQ(words(0, {"nosuid", "nodev", "noexec"}), Words{"noexec"});
  EXPECT_EQ(words(0, {"nosuid", "suid", "dev", "nodev"}), Words{"suid"});
}

TEST(MountFlags, OfAUsersMountAreNeitherSetuidNorDevices) {
  EXPECT_EQ(words(0, {}, false), Words{});
  EXPECT_EQ(words(ST_NOEXEC, {}, false), Words{"noexec"});
}

TEST(MountFlags, OfWhatIsNoDescriptorAreTheStrictest) {
  EXPECT_EQ(backing::mount_flags(-1), kAll);
}

}  // namespace
}  // namespace sluicefs
