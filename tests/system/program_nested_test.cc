#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "loop_file_system.h"
#include "program_fixture.h"
#include "source/file_systems.h"

// File systems inside the source, with more written to them than descriptors are kept of.

namespace sluice::testing {
namespace {

/// More than the engine keeps descriptors of (EngineOptions::max_dirty_descriptors).
constexpr int kMany = 4500;

class ProgramNested : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    if (!IsSkipped()) nested_ = std::make_unique<LoopFileSystem>(source(), 128, 128);
  }
  void TearDown() override {
    nested_.reset();
    ProgramTest::TearDown();
  }

  [[nodiscard]] const std::string& nested() const { return nested_->directory(); }
  static void write_many(const std::string& directory) {
    for (int i = 0; i < kMany; ++i) make_file(directory + "/" + std::to_string(i), "kept");
  }
  [[nodiscard]] int lost_of_many() const {
    int lost = 0;
    for (int i = 0; i < kMany; ++i) {
      if (content(nested() + "/" + std::to_string(i)) != "kept") ++lost;
    }
    return lost;
  }

  /// What was not synced is lost, as in a power cut of the file system; `directory` is any of it.
  static void cut(const UniqueFd& directory) {
    constexpr unsigned long kShutdown = _IOR('X', 125, std::uint32_t);  // EXT4_IOC_SHUTDOWN
    std::uint32_t no_log_flush = 2;
    EXPECT_EQ(::ioctl(directory.get(), kShutdown, &no_log_flush), 0);
  }
  void mount_again() const {
    EXPECT_TRUE(eventually([&] {
      const int error = error_of(::umount2(nested().c_str(), 0));
      return error == 0 || error == EINVAL;
    }));
    EXPECT_EQ(run_command({"mount", "-o", "loop", source("tmpfs/image"), nested()}), 0);
  }

 private:
  std::unique_ptr<LoopFileSystem> nested_;
};

TEST_F(ProgramNested, WhatNobodySyncsIsLostSoTheTestsBelowCanFail) {
  write_many(nested());
  cut(open_file(nested(), O_RDONLY | O_DIRECTORY));
  mount_again();
  EXPECT_GT(lost_of_many(), 0);
}

TEST_F(ProgramNested, AStopMakesAllOfItDurable) {
  Program program(foreground());
  ASSERT_TRUE(serves(program));
  write_many(at("ext4"));
  EXPECT_EQ(stop(program), 0);
  cut(open_file(nested(), O_RDONLY | O_DIRECTORY));
  mount_again();
  EXPECT_EQ(lost_of_many(), 0);
}

TEST_F(ProgramNested, AStopAfterALazyUnmountMakesAllOfItDurable) {
  Program program(foreground());
  ASSERT_TRUE(serves(program));
  write_many(at("ext4"));
  UniqueFd directory = open_file(nested(), O_RDONLY | O_DIRECTORY);
  ASSERT_EQ(::umount2(nested().c_str(), MNT_DETACH), 0);
  EXPECT_EQ(stop(program), 0);
  cut(directory);
  directory.reset();
  mount_again();
  EXPECT_EQ(lost_of_many(), 0);
}

TEST_F(ProgramNested, OneThatIsMountedLaterIsSeenAndMadeDurable) {
  mount_again();
  ASSERT_EQ(::umount2(nested().c_str(), 0), 0);
  Program program(foreground());
  ASSERT_TRUE(serves(program));
  make_file(at("ext4/below"), "hidden by the mount");
  mount_again();
  ASSERT_TRUE(eventually([&] { return !exists(at("ext4/below")); })) << "names are believed for a second";
  write_many(at("ext4"));
  EXPECT_EQ(stop(program), 0);
  cut(open_file(nested(), O_RDONLY | O_DIRECTORY));
  mount_again();
  EXPECT_EQ(lost_of_many(), 0);
}

TEST_F(ProgramNested, OneThatNobodyUsedIsNotKeptFromBeingUnmounted) {
  Program program(foreground());
  ASSERT_TRUE(serves(program));
  make_file(at("f"), "beside it");
  EXPECT_EQ(error_of(::umount2(nested().c_str(), 0)), 0);
  EXPECT_EQ(stop(program), 0);
}

TEST_F(ProgramNested, NoNameIsMovedOrLinkedAcross) {
  Program program(foreground());
  ASSERT_TRUE(serves(program));
  make_file(at("f"), "");
  const std::string inside = at("ext4/f");
  EXPECT_EQ(error_of(::rename(at("f").c_str(), inside.c_str())), EXDEV);
  EXPECT_EQ(error_of(::link(at("f").c_str(), inside.c_str())), EXDEV);
  EXPECT_EQ(error_of(::rmdir(at("ext4").c_str())), EBUSY);
  EXPECT_EQ(error_of(::rename(at("ext4").c_str(), at("g").c_str())), EBUSY);
  EXPECT_EQ(stop(program), 0);
}

class ProgramLoop : public ProgramTest {};

TEST_F(ProgramLoop, AMountInsideItsOwnSourceIsNotEntered) {
  Program program(foreground());
  ASSERT_TRUE(serves(program));
  make_file(at("f"), "content");
  for (const char* const name : {"x", "y"}) ASSERT_EQ(::mkdir(source(name).c_str(), 0755), 0);
  ASSERT_EQ(::mkdir(at("d").c_str(), 0755), 0);
  ASSERT_EQ(::mount(mountpoint().c_str(), source("x").c_str(), nullptr, MS_BIND, nullptr), 0);
  ASSERT_EQ(::mount(at("d").c_str(), source("y").c_str(), nullptr, MS_BIND, nullptr), 0);
  for (const char* const name : {"x", "y", "x/f", "x/x/x"}) {
    struct stat found {};
    EXPECT_EQ(error_of(::lstat(at(name).c_str(), &found)), ELOOP) << name;
  }
  EXPECT_EQ(names_in(mountpoint()), (std::vector<std::string>{"d", "f", "x", "y"}));
  EXPECT_EQ(content(source("x/f")), "content");
  EXPECT_EQ(content(at("f")), "content");
  for (const char* const name : {"x", "y"}) ASSERT_EQ(::umount2(source(name).c_str(), 0), 0);
  EXPECT_TRUE(eventually([&] { return exists(at("x")); }));
  EXPECT_EQ(stop(program), 0);
}

sluicefs::InodePlace place_of(const UniqueFd& fd) {
  struct statx found {};
  EXPECT_EQ(::statx(fd.get(), "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_MNT_ID, &found), 0);
  struct stat status {};
  EXPECT_EQ(::fstat(fd.get(), &status), 0);
  return {status.st_dev, static_cast<int>(found.stx_mnt_id), status.st_mode & S_IFMT};
}

class FileSystemsInside : public ProgramTest {};

TEST_F(FileSystemsInside, AnErrorOfOneThatHasNoRoomIsTold) {
  const LoopFileSystem thin(source(), 256, 24);
  const UniqueFd root = open_file(source(), O_RDONLY | O_DIRECTORY);
  sluicefs::FileSystems file_systems(root.get(), place_of(root));
  {
    const UniqueFd inside = open_file(thin.directory(), O_PATH | O_DIRECTORY);
    file_systems.met(place_of(inside), inside.get());
  }
  EXPECT_TRUE(file_systems.sync());
  make_file(thin.directory() + "/f", std::string(48U << 20U, 'x'));
  EXPECT_FALSE(file_systems.sync());
  EXPECT_EQ(file_systems.not_held(), std::nullopt);
}

TEST_F(FileSystemsInside, OneThatCannotBeHeldIsKnown) {
  const UniqueFd root = open_file(source(), O_RDONLY | O_DIRECTORY);
  sluicefs::FileSystems file_systems(root.get(), place_of(root));
  const UniqueFd inside = open_file("/proc", O_PATH | O_DIRECTORY);
  file_systems.met(place_of(inside), -1);
  EXPECT_TRUE(file_systems.not_held());
  file_systems.met(place_of(inside), inside.get());
  EXPECT_FALSE(file_systems.not_held());
}

}  // namespace
}  // namespace sluice::testing
