#include "choices.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "bench_disk.h"

namespace sluice::bench {
namespace {

using Words = std::vector<std::string>;

Contender find(const ContenderChoices& choices, const std::string& name) {
  for (const Contender& contender : contenders_of(choices)) {
    if (contender.name == name) return contender;
  }
  throw std::runtime_error("no " + name);
}

TEST(Choices, AModeIsMountedWithItsOptions) {
  const ContenderChoices choices{.sluicefs = "/bin/sluicefs", .modes = {"plain=", "fast=data=auto,x=1"}};
  EXPECT_EQ(find(choices, "plain").mount_command, (Words{"/bin/sluicefs", "-f", "{source}", "{mount}"}));
  EXPECT_EQ(find(choices, "fast").mount_command,
            (Words{"/bin/sluicefs", "-f", "-o", "data=auto,x=1", "{source}", "{mount}"}));
}

TEST(Choices, AnEarlierBuildIsMountedInTheSameWays) {
  const ContenderChoices choices{.sluicefs = "/new", .earlier = "/old", .modes = {"fast=data=auto"}};
  EXPECT_EQ(find(choices, "fast-earlier").mount_command,
            (Words{"/old", "-f", "-o", "data=auto", "{source}", "{mount}"}));
}

TEST(Choices, OnlyRelaxedDurabilityClaimsNothing) {
  const ContenderChoices choices{.modes = {"a=", "b=durability=strict",
                                           "c=data=auto,durability=window,window=1s", "d=durability=manual"}};
  EXPECT_TRUE(find(choices, "native").claims_strict);
  EXPECT_TRUE(find(choices, "a").claims_strict);
  EXPECT_TRUE(find(choices, "b").claims_strict);
  EXPECT_FALSE(find(choices, "c").claims_strict);
  EXPECT_FALSE(find(choices, "d").claims_strict);
}

TEST(Choices, PeersAreWhatIsThere) {
  const ContenderChoices choices{.bindfs = "/bin/bindfs", .peers = {"other=/bin/x -o a={source} {mount}"}};
  EXPECT_EQ(contenders_of(choices).size(), 3U) << "native, bindfs, other";
  EXPECT_TRUE(find(choices, "bindfs").is_peer);
  EXPECT_EQ(find(choices, "other").mount_command, (Words{"/bin/x", "-o", "a={source}", "{mount}"}));
}

TEST(Choices, ANameThatIsNoneIsRefused) {
  EXPECT_THROW((void)contenders_of({.only = {"nobody"}}), std::runtime_error);
  EXPECT_THROW((void)contenders_of({.modes = {"=data=auto"}}), std::runtime_error);
  EXPECT_THROW((void)contenders_of({.against = "nobody"}), std::runtime_error);
  EXPECT_EQ(contenders_of({.modes = {"a=", "b="}, .only = {"native", "b"}}).size(), 2U);
}

TEST(Choices, WhomTheOthersAreComparedWithComesFirst) {
  const std::vector<Contender> all = contenders_of({.modes = {"a=", "b="}, .against = "b"});
  EXPECT_EQ(all.at(0).name, "b");
  EXPECT_EQ(all.at(1).name, "native");
  EXPECT_EQ(all.at(2).name, "a");
}

TEST(Choices, ADiskIsOneOfThree) {
  DiskChoice choice;
  parse_disk("slow:2000", choice);
  EXPECT_EQ(choice.kind, DiskChoice::Kind::slow);
  EXPECT_EQ(choice.flush_delay, std::chrono::milliseconds(2));
  parse_disk("directory", choice);
  EXPECT_EQ(choice.kind, DiskChoice::Kind::directory);
  for (const char* wrong : {"slow", "slow:", "slow:2ms", "fast"}) {
    EXPECT_THROW(parse_disk(wrong, choice), std::runtime_error) << wrong;
  }
}

}  // namespace
}  // namespace sluice::bench
