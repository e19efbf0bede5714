#include "mount/registry.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <latch>
#include <thread>

#include "scratch.h"

namespace sluicefs {
namespace {

using sluice::UniqueFd;

class RegistryTest : public ::testing::Test {
 protected:
  [[nodiscard]] SourcePlace place(const std::string& directory) const {
    const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const auto found = locate_source(fd.get(), mounts_);
    EXPECT_TRUE(found) << directory;
    return found.value_or(SourcePlace());
  }
  [[nodiscard]] tl::expected<Claim, Refusal> claim(const std::string& source,
                                                   const std::string& mountpoint = "/m") const {
    return registry_.claim(place(source), mountpoint, mounts_);
  }
  /// As if a sluicefs were mounted there.
  void pretend_mounted(const std::string& mountpoint) {
    MountEntry entry;
    entry.id = 999'999;
    entry.mountpoint = mountpoint;
    entry.type = kFileSystemType;
    entry.source = "/pretended";
    mounts_.push_back(entry);
  }
  [[nodiscard]] std::vector<std::string> entries() const {
    std::vector<std::string> names;
    for (const auto& file : std::filesystem::directory_iterator(registry_directory_)) {
      if (file.path().filename() != "lock") names.push_back(file.path());
    }
    return names;
  }

  Scratch scratch_;
  std::vector<MountEntry> mounts_ = read_mounts().value();
  const std::string registry_directory_ = scratch_.at("registry");
  const Registry registry_{registry_directory_};
};

TEST_F(RegistryTest, ATreeIsClaimedOnce) {
  pretend_mounted("/m");
  const std::string source = scratch_.directory("s");
  const auto first = claim(source);
  ASSERT_TRUE(first) << first.error().error.message;
  const auto second = claim(source, "/elsewhere");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().error.code, ExitCode::already_mounted);
  EXPECT_EQ(second.error().error.message, source + " is served by the sluicefs on /m (pid " +
                                              std::to_string(::getpid()) +
                                              ") already; a tree takes one sluicefs");
  EXPECT_FALSE(second.error().passing);
}

TEST_F(RegistryTest, ATreeInsideAClaimedOneIsRefused) {
  pretend_mounted("/m");
  const std::string outer = scratch_.directory("s");
  const std::string inner = scratch_.directory("s/a/b");
  const auto first = claim(outer);
  const auto second = claim(inner);
  ASSERT_FALSE(second);
  EXPECT_TRUE(second.error().error.message.starts_with(inner + " lies in " + outer + ", which is served by"))
      << second.error().error.message;
}

TEST_F(RegistryTest, ATreeAroundAClaimedOneIsRefused) {
  pretend_mounted("/m");
  const std::string outer = scratch_.directory("s");
  const std::string inner = scratch_.directory("s/a/b");
  const auto first = claim(inner);
  const auto second = claim(outer);
  ASSERT_FALSE(second);
  EXPECT_TRUE(second.error().error.message.starts_with(outer + " contains " + inner + ", which is served by"))
      << second.error().error.message;
}

TEST_F(RegistryTest, TreesBesideEachOtherAreClaimedTogether) {
  const auto a = claim(scratch_.directory("s"));
  const auto b = claim(scratch_.directory("s2"));
  const auto c = claim(scratch_.directory("t/s"));
  EXPECT_TRUE(a && b && c);
  EXPECT_EQ(entries().size(), 3U);
}

TEST_F(RegistryTest, AClaimThatEndsLeavesNothing) {
  const std::string source = scratch_.directory("s");
  EXPECT_TRUE(claim(source));
  EXPECT_TRUE(entries().empty());
  EXPECT_TRUE(claim(source));
}

TEST_F(RegistryTest, AClaimThatMovesIsStillOne) {
  const std::string source = scratch_.directory("s");
  auto first = claim(source);
  ASSERT_TRUE(first);
  const Claim moved = std::move(*first);
  EXPECT_FALSE(claim(source));
  EXPECT_EQ(entries().size(), 1U);
}

TEST_F(RegistryTest, ADeadDaemonsClaimCountsForNothingAndIsRemoved) {
  const std::string source = scratch_.directory("s");
  const pid_t child = ::fork();
  if (child == 0) {
    const auto held = claim(source);
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  ASSERT_EQ(entries().size(), 1U);
  const auto claimed = claim(source);
  EXPECT_TRUE(claimed);
  EXPECT_EQ(entries().size(), 1U);
}

TEST_F(RegistryTest, OneWhoseMountIsNotThereIsPassing) {
  const std::string source = scratch_.directory("s");
  const auto first = claim(source, "/gone");
  const auto second = claim(source);
  ASSERT_FALSE(second);
  EXPECT_TRUE(second.error().passing);
  EXPECT_NE(second.error().error.message.find("not mounted on /gone here"), std::string::npos)
      << second.error().error.message;
}

TEST_F(RegistryTest, OfManyThatClaimATreeAtOnceOneGetsIt) {
  const std::string source = scratch_.directory("s");
  std::atomic<int> claimed{0};
  std::atomic<int> refused{0};
  std::latch all_have_asked(8);
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      const auto mine = claim(source);
      ++(mine ? claimed : refused);
      all_have_asked.arrive_and_wait();  // Nobody lets go before.
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(claimed, 1);
  EXPECT_EQ(refused, 7);
}

TEST_F(RegistryTest, ASourceInsideASluicefsIsRefused) {
  const std::string source = scratch_.directory("s");
  SourcePlace inside = place(source);
  pretend_mounted("/m");
  inside.mount_id = mounts_.back().id;
  const auto refused = registry_.claim(inside, "/n", mounts_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().error.message,
            source + " is in the sluicefs on /m, which serves /pretended; a tree takes one sluicefs");
}

TEST_F(RegistryTest, ADirectoryThatOthersCanWriteToIsRefused) {
  ASSERT_EQ(::mkdir(registry_directory_.c_str(), 0700), 0);
  ASSERT_EQ(::chmod(registry_directory_.c_str(), 0777), 0);
  const auto refused = claim(scratch_.directory("s"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().error.code, ExitCode::internal);
  EXPECT_NE(refused.error().error.message.find(registry_directory_), std::string::npos);
}

TEST_F(RegistryTest, ALinkInPlaceOfTheDirectoryIsRefused) {
  const std::string elsewhere = scratch_.directory("elsewhere");
  ASSERT_EQ(::symlink(elsewhere.c_str(), registry_directory_.c_str()), 0);
  EXPECT_FALSE(claim(scratch_.directory("s")));
  EXPECT_TRUE(std::filesystem::is_empty(elsewhere));
}

TEST(RegistryEntryText, GoesThereAndBack) {
  RegistryEntry entry;
  entry.pid = 1234;
  entry.mountpoint = "/mount point\nwith a newline";
  entry.source.path = "/so\\urce #1";
  entry.source.file_system = makedev(259, 7);
  entry.source.path_in_file_system = "/in the file system";
  entry.source.lineage = {{makedev(8, 1), 12}, {makedev(8, 1), 2}};
  const auto back = parse_entry(format_entry(entry));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->pid, entry.pid);
  EXPECT_EQ(back->mountpoint, entry.mountpoint);
  EXPECT_EQ(back->source.path, entry.source.path);
  EXPECT_EQ(back->source.file_system, entry.source.file_system);
  EXPECT_EQ(back->source.path_in_file_system, entry.source.path_in_file_system);
  EXPECT_EQ(back->source.lineage, entry.source.lineage);
}

TEST(RegistryEntryText, APlaceThatIsNotKnownStaysEmpty) {
  RegistryEntry entry;
  entry.pid = 1;
  entry.source.lineage = {{1, 2}};
  const auto back = parse_entry(format_entry(entry));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->source.path_in_file_system, "");
}

TEST(RegistryEntryText, AnythingElseIsNone) {
  for (const char* const text : {"", "\n", "pid 12\n", "pid x\nlineage 1 2\n", "pid -1\nlineage 1 2\n",
                                 "lineage 1 2\n", "pid 12\nlineage 1\n", "\x01\x02\x03"}) {
    EXPECT_FALSE(parse_entry(text)) << text;
  }
}

}  // namespace
}  // namespace sluicefs
