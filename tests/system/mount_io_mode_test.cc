#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "mount_block.h"
#include "mount_files.h"
#include "mount_fixture.h"
#include "mount_mapping.h"

// The kernel has an inode either cached or passed through to one file, and answers EIO to an open that does
// not fit. Nobody may ever see that, whatever is opened how, in which order, and for how long.

namespace sluice::testing {
namespace {

using sluicefs::DataMode;

constexpr std::size_t kSize = 8192;

struct Kind {
  const char* name;
  int flags;
};
constexpr std::array kKinds = {
    Kind{"RDONLY", O_RDONLY},
    Kind{"WRONLY", O_WRONLY},
    Kind{"RDWR", O_RDWR},
    Kind{"WRONLY|TRUNC", O_WRONLY | O_TRUNC},
    Kind{"RDWR|CREAT|TRUNC", O_RDWR | O_CREAT | O_TRUNC},
    Kind{"RDWR|DIRECT", O_RDWR | O_DIRECT},
    Kind{"RDONLY|DIRECT", O_RDONLY | O_DIRECT},
    Kind{"WRONLY|APPEND", O_WRONLY | O_CREAT | O_APPEND},
};

bool can_read(int flags) {
  return (flags & O_ACCMODE) != O_WRONLY;
}
bool can_write(int flags) {
  return (flags & O_ACCMODE) != O_RDONLY;
}

/// One open file of those that a program has at a time, and a mapping that outlives it.
struct Opened {
  UniqueFd fd;
  std::unique_ptr<Mapping> mapping;
};

/// Opens, uses and keeps a file in one way after another; the first error, or none.
class Program {
 public:
  enum class Closes { nothing, each_at_once, all_but_the_newest };
  static constexpr std::array kAllCloses = {Closes::nothing, Closes::each_at_once,
                                            Closes::all_but_the_newest};

  /// `syncs`: each use ends with an fsync.
  Program(std::string path, Closes closes, bool syncs)
      : path_(std::move(path)), closes_(closes), syncs_(syncs) {}

  /// The error of the open or of the first use that failed; 0.
  int open(int flags) {
    if (closes_ == Closes::all_but_the_newest && !files_.empty()) files_.back().fd.reset();
    Opened file{UniqueFd(::open(path_.c_str(), flags | O_CLOEXEC, 0644)), nullptr};
    if (!file.fd.valid()) return errno;
    if (const int error = use(file, flags)) return error;
    if (closes_ == Closes::each_at_once) file.fd.reset();
    files_.push_back(std::move(file));
    return 0;
  }

 private:
  int use(Opened& file, int flags) {
    const Block block('u');
    if (can_write(flags) && ::pwrite(file.fd.get(), block.get(), 4096, 4096) != 4096) return errno;
    if (can_read(flags) && ::pread(file.fd.get(), block.get(), 4096, 0) < 0) return errno;
    if (can_write(flags) && can_read(flags)) {
      // It reaches up to the end, so that a later truncation would take its page away: only this one is used.
      file.mapping = std::make_unique<Mapping>(file.fd.get(), kSize, MAP_SHARED);
      file.mapping->bytes()[4096] = 'm';
      if (file.mapping->sync(syncs_ ? MS_SYNC : MS_ASYNC) != 0) return errno;
    }
    return !syncs_ || ::fsync(file.fd.get()) == 0 ? 0 : errno;
  }

  const std::string path_;
  const Closes closes_;
  const bool syncs_;
  std::vector<Opened> files_;
};

class MountIoMode : public ::testing::TestWithParam<DataMode> {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to mount";
    start({});
  }
  void start(MountSetup setup) {
    fixture_.reset();
    setup.data = GetParam();
    fixture_ = std::make_unique<MountFixture>(setup);
    ASSERT_EQ(fixture_->mount().data_mode(), GetParam());
  }
  [[nodiscard]] MountFixture& mount() const { return *fixture_; }

  /// What comes of opening a new file, or one that was there, in these ways one after another.
  void open_in_turn(const std::vector<Kind>& kinds, bool is_new, Program::Closes closes) {
    const std::string name = "f" + std::to_string(++files_);
    if (!is_new) make_file(mount().source(name), std::string(kSize, '.'));
    std::string so_far = is_new ? "new" : "old";
    {
      Program program(mount().at(name), closes, kinds.size() < 3);  // More syncs would take long.
      int extra = is_new ? O_CREAT | O_EXCL : 0;
      for (const Kind& kind : kinds) {
        so_far.append(" ").append(kind.name);
        ASSERT_EQ(program.open(kind.flags | std::exchange(extra, 0)), 0)
            << so_far << ", closing " << static_cast<int>(closes);
      }
    }
    ASSERT_TRUE(content(mount().at(name)) == content(mount().source(name))) << so_far;
    ASSERT_EQ(::unlink(mount().at(name).c_str()), 0);
  }
  template <typename Run>
  void in_every_way(Run run) {
    for (const bool is_new : {false, true}) {
      for (const Program::Closes closes : Program::kAllCloses) run(is_new, closes);
    }
  }

 private:
  std::unique_ptr<MountFixture> fixture_;
  std::size_t files_ = 0;
};

TEST_P(MountIoMode, AnyTwoOpensOneAfterAnother) {
  in_every_way([&](bool is_new, Program::Closes closes) {
    for (const Kind& first : kKinds) {
      for (const Kind& second : kKinds) open_in_turn({first, second}, is_new, closes);
    }
  });
}

TEST_P(MountIoMode, AnyThreeOpensOneAfterAnother) {
  in_every_way([&](bool is_new, Program::Closes closes) {
    const bool in_sample = !is_new && closes == Program::Closes::all_but_the_newest;
    if (!in_sample && std::getenv("SLUICE_TEST_LONG") == nullptr) return;
    for (const Kind& first : kKinds) {
      for (const Kind& second : kKinds) {
        for (const Kind& third : kKinds) open_in_turn({first, second, third}, is_new, closes);
      }
    }
  });
}

TEST_P(MountIoMode, OpensAtTheSameTime) {
  constexpr int kThreads = 6;
  constexpr int kRounds = 400;
  const std::string path = mount().at("f");
  std::atomic<int> error{0};
  std::vector<std::thread> threads;
  for (unsigned seed = 0; seed < kThreads; ++seed) {
    threads.emplace_back([&, seed] {
      std::minstd_rand random(seed + 1);
      const Block block('p');
      std::array<UniqueFd, 3> kept;
      for (int round = 0; round < kRounds && error == 0; ++round) {
        const int flags = kKinds[random() % kKinds.size()].flags;
        UniqueFd& fd = kept[random() % kept.size()];
        fd.reset();
        if (random() % 3 == 0) continue;
        fd.reset(::open(path.c_str(), flags | O_CREAT | O_CLOEXEC, 0644));
        const auto note_if = [&](bool failed, const char* call) {
          if (!failed) return;
          error = errno;
          ADD_FAILURE() << call << " with flags " << flags << ": " << std::strerror(errno);
        };
        note_if(!fd.valid(), "open");
        if (fd.valid() && can_write(flags))
          note_if(::pwrite(fd.get(), block.get(), 4096, 0) != 4096, "pwrite");
        if (fd.valid() && can_read(flags)) note_if(::pread(fd.get(), block.get(), 4096, 0) < 0, "pread");
        if (random() % 50 == 0) ::unlink(path.c_str());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(error, 0);
}

TEST_P(MountIoMode, AMappingThatOutlivesItsHandleIsSyncedByALaterOne) {
  make_file(mount().source("f"), std::string(kSize, '.'));
  UniqueFd fd = open_file(mount().at("f"), O_RDWR);
  const Mapping mapping(fd.get(), kSize, MAP_SHARED);
  ASSERT_EQ(::fsync(fd.get()), 0);
  fd.reset();
  const UniqueFd reader = open_file(mount().at("f"), O_RDONLY);
  for (int round = 0; round < 3; ++round) {
    mapping.bytes()[0] = static_cast<char>('a' + round);
    EXPECT_EQ(mount().counts_of([&] { EXPECT_EQ(::fsync(reader.get()), 0); }), kOneSync);
  }
}

TEST_P(MountIoMode, TimesThatAMappingChangesAreSeen) {
  start({.over_source = true});  // Where attributes are kept longest.
  make_file(mount().source("f"), std::string(kSize, '.'));
  EXPECT_EQ(status(mount().at("f")).st_size, static_cast<off_t>(kSize));
  const timespec old[2] = {{1000, 0}, {1000, 0}};
  const UniqueFd fd = open_file(mount().at("f"), O_RDWR);
  const Mapping mapping(fd.get(), kSize, MAP_SHARED);
  ASSERT_EQ(::futimens(fd.get(), old), 0);
  EXPECT_EQ(status(mount().at("f")).st_mtim.tv_sec, 1000);
  mapping.bytes()[0] = 'm';
  EXPECT_EQ(mapping.sync(MS_SYNC), 0);
  EXPECT_GT(status(mount().at("f")).st_mtim.tv_sec, 1000);
}

/// A write by somebody who may not keep the bits takes them away, and the kernel knows at once.
TEST_P(MountIoMode, AProgramThatSomebodyElseChangesIsNotSetuidAnyMore) {
  start({.over_source = true});
  for (const bool opened_before : {false, true}) {
    const std::string path = mount().at(opened_before ? "before" : "after");
    make_file(path, "old", 0777);
    const UniqueFd keeps_its_mode = open_file(path, O_RDWR);
    Child writer([&](int channel) {
      char byte = 0;
      if (::setgid(User{}.gid) != 0 || ::setuid(User{}.uid) != 0) return 1;
      int fd = opened_before ? ::open(path.c_str(), O_WRONLY) : -1;
      if (::write(channel, "r", 1) != 1 || ::read(channel, &byte, 1) != 1) return 2;
      if (fd < 0) fd = ::open(path.c_str(), O_WRONLY);
      return ::write(fd, "n", 1) == 1 ? 0 : errno;
    });
    ASSERT_TRUE(writer.ready());
    ASSERT_EQ(::chmod(path.c_str(), 06777), 0);
    EXPECT_EQ(mode_of(path), 06777U);
    writer.proceed();
    ASSERT_EQ(writer.wait(), 0);
    EXPECT_EQ(mode_of(path), 0777U);
    EXPECT_EQ(content(path), "nld");
  }
}

INSTANTIATE_TEST_SUITE_P(Data, MountIoMode,
                         ::testing::Values(DataMode::tracked, DataMode::passthrough, DataMode::automatic),
                         [](const auto& parameter) { return std::string(name_of(parameter.param)); });

class MountOf : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root to mount";
  }
  /// What an fsync costs now.
  static SyncCounts cost_of_fsync(const MountFixture& mount, int fd) {
    return mount.counts_of([&] { EXPECT_EQ(::fsync(fd), 0); });
  }
  static MountSetup of(DataMode data) {
    MountSetup setup;
    setup.data = data;
    return setup;
  }
};

using MountAuto = MountOf;

TEST_F(MountAuto, WhatIsWrittenWholeIsKnownExactly) {
  const MountFixture mount(of(DataMode::automatic));
  make_file(mount.at("f"), "content");  // As dpkg does: written, closed, and opened again to be synced.
  // They stay open: after close(2) it takes a while until the mount hears of it, and one who reads alone
  // would be in passthrough until then, with everybody who comes.
  std::vector<UniqueFd> opened;
  for (const int flags : {O_WRONLY, O_RDONLY, O_WRONLY}) {
    opened.push_back(open_file(mount.at("f"), flags));
    const int again = opened.back().get();
    EXPECT_EQ(cost_of_fsync(mount, again), opened.size() == 1 ? kOneSync : kElided);
    EXPECT_EQ(cost_of_fsync(mount, again), kElided);
  }
}

TEST_F(MountAuto, SoIsWhatIsTruncatedFirst) {
  const MountFixture mount(of(DataMode::automatic));
  make_file(mount.source("f"), "old");
  const UniqueFd fd = open_file(mount.at("f"), O_WRONLY | O_TRUNC);
  EXPECT_EQ(::write(fd.get(), "new", 3), 3);
  EXPECT_EQ(cost_of_fsync(mount, fd.get()), kOneSync);
  EXPECT_EQ(cost_of_fsync(mount, fd.get()), kElided);
}

TEST_F(MountAuto, WhatIsReadAndWrittenIsNeverElided) {
  const MountFixture mount(of(DataMode::automatic));
  const UniqueFd fd = open_file(mount.at("f"), O_RDWR | O_CREAT);
  for (int round = 0; round < 3; ++round) EXPECT_EQ(cost_of_fsync(mount, fd.get()), kOneSync);
}

TEST_F(MountAuto, ADurableFileThatIsOpenedToBeChangedInPlaceIsPassedThrough) {
  const MountFixture mount(of(DataMode::automatic));
  make_file(mount.source("f"), "old");
  const UniqueFd fd = open_file(mount.at("f"), O_WRONLY);
  for (int round = 0; round < 3; ++round) EXPECT_EQ(cost_of_fsync(mount, fd.get()), kOneSync);
}

using MountPassthrough = MountOf;

TEST_F(MountPassthrough, ReadingAloneLeavesAFileKnownExactly) {
  const MountFixture mount(of(DataMode::passthrough));
  make_file(mount.source("f"), "content");
  const UniqueFd fd = open_file(mount.at("f"), O_RDONLY);
  EXPECT_EQ(cost_of_fsync(mount, fd.get()), kOneSync);
  EXPECT_EQ(cost_of_fsync(mount, fd.get()), kElided);
}

TEST_F(MountPassthrough, AnAppendingWriteThatIsToBeDurableIsABarrier) {
  const MountFixture mount(of(DataMode::passthrough));
  for (const int flag : {O_SYNC, O_DSYNC}) {
    const UniqueFd fd = open_file(mount.at("f"), O_WRONLY | O_CREAT | O_APPEND | flag);
    EXPECT_EQ(mount.counts_of([&] { EXPECT_EQ(::write(fd.get(), "line\n", 5), 5); }), kOneSync);
  }
  const UniqueFd fd = open_file(mount.at("f"), O_WRONLY | O_APPEND);
  EXPECT_EQ(mount.counts_of([&] { EXPECT_EQ(::write(fd.get(), "line\n", 5), 5); }), SyncCounts{});
  EXPECT_EQ(content(mount.source("f")), "line\nline\nline\n");
}

TEST_F(MountPassthrough, EachWriteIsABarrierWhereTheMountIsSynchronous) {
  for (const DataMode mode : {DataMode::tracked, DataMode::passthrough, DataMode::automatic}) {
    MountSetup setup = of(mode);
    setup.mount_flags = {"sync"};
    const MountFixture mount(setup);
    for (const int flags : {O_WRONLY | O_CREAT, O_RDWR, O_WRONLY}) {
      const UniqueFd fd = open_file(mount.at("f"), flags);
      EXPECT_EQ(mount.counts_of([&] { EXPECT_EQ(::write(fd.get(), "line\n", 5), 5); }), kOneSync)
          << name_of(mode) << ", flags " << flags;
    }
  }
}

/// What the kernel takes the mode for when it runs a program; unlike stat(2) it does not ask because it is
/// unsure of the times.
mode_t believed_mode(const std::string& path) {
  struct statx found {};
  EXPECT_EQ(::statx(AT_FDCWD, path.c_str(), 0, STATX_MODE, &found), 0);
  return found.stx_mode & 07777;
}

class MountAtTwoPlaces : public MountOf, public ::testing::WithParamInterface<DataMode> {};

TEST_P(MountAtTwoPlaces, ASetuidBitThatAWriteDropsAtOneIsNotBelievedAtTheOther) {
  const MountFixture mount(of(GetParam()));
  ASSERT_EQ(::mkdir(mount.source("one").c_str(), 0755), 0);
  ASSERT_EQ(::mkdir(mount.source("two").c_str(), 0755), 0);
  make_file(mount.source("one/f"), "text", 0666);
  ASSERT_EQ(::mount(mount.source("one").c_str(), mount.source("two").c_str(), nullptr, MS_BIND, nullptr), 0);
  {
    const UniqueFd fd = open_file(mount.at("one/f"), O_WRONLY);
    ASSERT_EQ(::chmod(mount.at("two/f").c_str(), 04777), 0);
    EXPECT_EQ(believed_mode(mount.at("two/f")), 04777U);
    EXPECT_EQ(run_as(User{}, [&] { return ::write(fd.get(), "evil", 4) == 4 ? 0 : errno; }), 0);
    EXPECT_EQ(believed_mode(mount.at("two/f")), 0777U);
  }
  EXPECT_EQ(::umount2(mount.source("two").c_str(), MNT_DETACH), 0);
}

INSTANTIATE_TEST_SUITE_P(Modes, MountAtTwoPlaces,
                         ::testing::Values(DataMode::tracked, DataMode::passthrough, DataMode::automatic),
                         [](const auto& mode) { return std::string(name_of(mode.param)); });

/// What the mount is refused with; empty when it is not.
std::string refusal(const MountSetup& setup) {
  try {
    const MountFixture mount(setup);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return {};
}

TEST_F(MountPassthrough, AKernelThatHasNoneIsToldAtMount) {
  MountSetup setup = of(DataMode::passthrough);
  setup.ignored_offers = 1ULL << 37;
  EXPECT_NE(refusal(setup).find("has no FUSE passthrough"), std::string::npos) << refusal(setup);
  setup.data = DataMode::automatic;
  const MountFixture mount(setup);
  EXPECT_EQ(mount.mount().data_mode(), DataMode::tracked);
  EXPECT_NE(mount.mount().why_tracked().value_or("").find("has no FUSE passthrough"), std::string::npos);
}

TEST_F(MountPassthrough, AccessTimesThatWouldNotBeKeptAreToldAtMount) {
  MountSetup setup = of(DataMode::passthrough);
  setup.mount_flags = {"noatime"};
  EXPECT_NE(refusal(setup).find("noatime"), std::string::npos);
}

}  // namespace
}  // namespace sluice::testing
