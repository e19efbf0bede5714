#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstring>

#include "loop_file_system.h"
#include "program_fixture.h"

// What a program wrote through a shared mapping lives in the mount's own page cache until the kernel writes
// it back. However the mount ends in order, it is in the source; and what cannot be made durable is reported.

namespace sluice::testing {
namespace {

constexpr std::size_t kSize = 64 * 4096;

class ProgramLoss : public ProgramTest {
 protected:
  void SetUp() override {
    ProgramTest::SetUp();
    if (!IsSkipped()) make_file(source("f"), std::string(kSize, '.'));
  }

  /// A program that maps the file, and fills the mapping with each of `fillings` in turn when it is told to
  /// go on; it never calls msync(2). It keeps the mapping, and closes the descriptor.
  [[nodiscard]] std::function<int(int)> dirtying(std::string fillings) const {
    return [path = at("f"), fillings = std::move(fillings)](int channel) {
      const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
      void* const bytes = ::mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
      if (bytes == MAP_FAILED || ::close(fd) != 0) return 1;
      for (const char filling : fillings) {
        std::memset(bytes, filling, kSize);
        char byte = 0;
        if (::write(channel, &byte, 1) != 1 || ::read(channel, &byte, 1) != 1) return 2;
      }
      return 0;
    };
  }
  /// In passthrough the pages of a mapping are the source's, and outlive the daemon.
  [[nodiscard]] Start tracked(const std::string& options = "") const {
    return foreground("data=tracked" + (options.empty() ? options : "," + options));
  }
  /// False when the kernel has written the pages back on its own by now, as it does after 30 s.
  [[nodiscard]] bool pages_are_dirty(char filling) const {
    return content(source("f")).find(filling) == std::string::npos;
  }
  [[nodiscard]] bool source_is_filled_with(char filling) const {
    return content(source("f")) == std::string(kSize, filling);
  }
};

TEST_F(ProgramLoss, AKilledDaemonLosesMappedPagesSoTheTestsBelowCanFail) {
  Program program(tracked());
  ASSERT_TRUE(serves(program));
  Child writer(dirtying("m"));
  ASSERT_TRUE(writer.ready());
  if (!pages_are_dirty('m')) GTEST_SKIP() << "this machine is so slow that the kernel wrote the pages back";
  program.process().signal(SIGKILL);
  program.wait();
  EXPECT_TRUE(pages_are_dirty('m'));
}

TEST_F(ProgramLoss, AStopThatDetachesLosesNoPageOfAMapping) {
  Program program(tracked("stop-timeout=0"));
  ASSERT_TRUE(serves(program));
  Child writer(dirtying("m"));
  ASSERT_TRUE(writer.ready());
  EXPECT_EQ(stop(program), 0);
  EXPECT_TRUE(source_is_filled_with('m'));
}

TEST_F(ProgramLoss, NorDoesOneLoseWhatWasDirtiedWhileItWaited) {
  Program program(tracked("stop-timeout=1h"));
  ASSERT_TRUE(serves(program));
  Child writer(dirtying("mn"));
  ASSERT_TRUE(writer.ready());
  program.process().signal(SIGTERM);
  ASSERT_TRUE(program.says("waiting"));
  EXPECT_TRUE(source_is_filled_with('m')) << "handed over when the stop began";
  writer.proceed();
  ASSERT_TRUE(writer.ready());
  EXPECT_EQ(stop(program), 0);
  EXPECT_TRUE(source_is_filled_with('n'));
}

TEST_F(ProgramLoss, AStopLosesNothingOfAProgramThatLeavesWhileItWaits) {
  Program program(tracked("stop-timeout=1h"));
  ASSERT_TRUE(serves(program));
  Child writer(dirtying("mn"));
  ASSERT_TRUE(writer.ready());
  program.process().signal(SIGTERM);
  ASSERT_TRUE(program.says("waiting"));
  writer.proceed();
  ASSERT_TRUE(writer.ready());
  writer.proceed();
  EXPECT_EQ(writer.wait(), 0);
  EXPECT_EQ(program.wait(), 0);
  EXPECT_TRUE(source_is_filled_with('n'));
}

TEST_F(ProgramLoss, AnUnmountLosesNoPageOfAProgramThatWasKilled) {
  Program program(tracked());
  ASSERT_TRUE(serves(program));
  {
    Child writer(dirtying("m"));
    ASSERT_TRUE(writer.ready());
  }  // SIGKILL
  ASSERT_TRUE(eventually([&] { return ::umount2(mountpoint().c_str(), 0) == 0; }));
  EXPECT_EQ(program.wait(), 0);
  EXPECT_TRUE(source_is_filled_with('m'));
}

TEST_F(ProgramLoss, ALazyUnmountLosesNoPageOfAProgramThatStays) {
  Program program(tracked("stop-timeout=0"));
  ASSERT_TRUE(serves(program));
  Child writer(dirtying("m"));
  ASSERT_TRUE(writer.ready());
  ASSERT_EQ(::umount2(mountpoint().c_str(), MNT_DETACH), 0);
  EXPECT_EQ(stop(program), 0);
  EXPECT_TRUE(source_is_filled_with('m'));
}

TEST_F(ProgramLoss, ADiskThatHangsWhilePagesAreHandedOverIsWaitedFor) {
  const LoopFileSystem disk(base(), 64, 64);
  make_file(disk.directory() + "/f", std::string(kSize, '.'));
  Start start;
  start.arguments = {"-f", disk.directory(), mountpoint(), "-o", "stop-timeout=0"};
  Program program(start);
  ASSERT_TRUE(serves(program));
  Child writer(dirtying("m"));
  ASSERT_TRUE(writer.ready());
  Frozen frozen(disk);
  program.process().signal(SIGTERM);
  EXPECT_TRUE(program.says("still waiting for " + disk.directory()));
  frozen.thaw();
  EXPECT_EQ(program.wait(), 0);
  EXPECT_TRUE(content(disk.directory() + "/f") == std::string(kSize, 'm'));
}

class ProgramLossOnAThinDisk : public ProgramTest {
 protected:
  /// Writes to the mount what its disk has no room for; the writes are accepted.
  void overfill() const {
    const UniqueFd fd = open_file(at("f"), O_WRONLY | O_CREAT);
    const std::string part(1 << 20, 'x');
    for (int i = 0; i < 48; ++i) {
      ASSERT_EQ(::write(fd.get(), part.data(), part.size()), static_cast<ssize_t>(part.size()));
    }
  }
  [[nodiscard]] Start on(const LoopFileSystem& disk) const {
    Start start;
    start.arguments = {"-f", disk.directory(), mountpoint()};
    return start;
  }
  static void expect_reported(const Program& program) {
    EXPECT_NE(program.errors().find("could be made durable in"), std::string::npos) << program.errors();
  }
};

TEST_F(ProgramLossOnAThinDisk, AStopSaysThatNotEverythingIsDurable) {
  const LoopFileSystem disk(base(), 256, 24);
  Program program(on(disk));
  ASSERT_TRUE(serves(program));
  overfill();
  EXPECT_EQ(stop(program), 16);
  expect_reported(program);
  EXPECT_FALSE(is_mounted());
}

TEST_F(ProgramLossOnAThinDisk, AnUnmountEndsWithTheSameStatus) {
  const LoopFileSystem disk(base(), 256, 24);
  Program program(on(disk));
  ASSERT_TRUE(serves(program));
  overfill();
  ASSERT_TRUE(eventually([&] { return ::umount2(mountpoint().c_str(), 0) == 0; }));
  EXPECT_EQ(program.wait(), 16);
  expect_reported(program);
}

TEST_F(ProgramLossOnAThinDisk, WhatAProgramWasToldByFsyncIsReportedAgain) {
  const LoopFileSystem disk(base(), 256, 24);
  Program program(on(disk));
  ASSERT_TRUE(serves(program));
  overfill();
  EXPECT_NE(error_of(::fsync(open_file(at("f"), O_WRONLY).get())), 0);
  EXPECT_EQ(stop(program), 16);
  expect_reported(program);
}

TEST_F(ProgramLossOnAThinDisk, WhatFitsIsDurableAndTheStatusIsSuccess) {
  const LoopFileSystem disk(base(), 256, 24);
  Program program(on(disk));
  ASSERT_TRUE(serves(program));
  make_file(at("f"), std::string(1 << 20, 'x'));
  EXPECT_EQ(stop(program), 0);
}

}  // namespace
}  // namespace sluice::testing
