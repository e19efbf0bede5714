#include "source/file_handle.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <thread>

#include "scratch.h"

namespace sluicefs {
namespace {

using sluice::UniqueFd;

class FileHandleTest : public ::testing::Test {
 protected:
  [[nodiscard]] UniqueFd make(const char* name) const {
    UniqueFd fd(::open(scratch_.at(name).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    EXPECT_TRUE(fd.valid());
    return fd;
  }
  /// The handle of a file; skips the test where the file system has none.
  FileHandle handle_of(const UniqueFd& fd) {
    const auto handle = FileHandle::of(fd.get());
    EXPECT_TRUE(handle || handle.error().value() == EOPNOTSUPP);
    return handle.value_or(FileHandle());
  }
  Scratch scratch_;
};

TEST_F(FileHandleTest, NoneIsEmpty) {
  EXPECT_TRUE(FileHandle().empty());
}

TEST_F(FileHandleTest, ADescriptorThatIsNoneHasNone) {
  const auto handle = FileHandle::of(-1);
  ASSERT_FALSE(handle);
  EXPECT_EQ(handle.error().value(), EBADF);
}

TEST_F(FileHandleTest, TheSameInodeHasTheSameDigestByEveryDescriptorAndName) {
  const UniqueFd fd = make("f");
  const FileHandle handle = handle_of(fd);
  if (handle.empty()) GTEST_SKIP() << "no file handles on this file system";
  ASSERT_EQ(::link(scratch_.at("f").c_str(), scratch_.at("g").c_str()), 0);
  const UniqueFd other(::open(scratch_.at("g").c_str(), O_PATH | O_CLOEXEC));
  EXPECT_EQ(handle_of(other).digest(), handle.digest());
}

TEST_F(FileHandleTest, OtherInodesHaveOtherDigests) {
  const UniqueFd a = make("a");
  const UniqueFd b = make("b");
  if (handle_of(a).empty()) GTEST_SKIP() << "no file handles on this file system";
  EXPECT_NE(handle_of(a).digest(), handle_of(b).digest());
}

TEST_F(FileHandleTest, ItOpensTheInodeWhateverItIsCalledBy) {
  const UniqueFd fd = make("f");
  const FileHandle handle = handle_of(fd);
  if (handle.empty()) GTEST_SKIP() << "no file handles on this file system";
  ASSERT_EQ(::rename(scratch_.at("f").c_str(), scratch_.at("moved").c_str()), 0);
  const UniqueFd directory(::open(scratch_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto opened = handle.open(directory.get(), O_PATH);
  if (!opened && opened.error().value() == EPERM) GTEST_SKIP() << "no CAP_DAC_READ_SEARCH";
  ASSERT_TRUE(opened);
  struct stat one {};
  struct stat two {};
  ASSERT_EQ(::fstat(fd.get(), &one), 0);
  ASSERT_EQ(::fstat(opened->get(), &two), 0);
  EXPECT_EQ(one.st_ino, two.st_ino);
  EXPECT_EQ(::fcntl(opened->get(), F_GETFD), FD_CLOEXEC);
}

TEST_F(FileHandleTest, AnInodeThatIsGoneIsStale) {
  FileHandle handle;
  {
    const UniqueFd fd = make("f");
    handle = handle_of(fd);
    ASSERT_EQ(::unlink(scratch_.at("f").c_str()), 0);
  }
  if (handle.empty()) GTEST_SKIP() << "no file handles on this file system";
  const UniqueFd directory(::open(scratch_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto opened = handle.open(directory.get(), O_PATH);
  ASSERT_FALSE(opened);
  if (opened.error().value() == EPERM) GTEST_SKIP() << "no CAP_DAC_READ_SEARCH";
  EXPECT_EQ(opened.error().value(), ESTALE);
}

// Somebody else makes files meanwhile, and gets the number that is free.
TEST_F(FileHandleTest, ItIsStaleAlsoWhileItsNumberIsGivenOutAgain) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs CAP_DAC_READ_SEARCH to open by handle";
  UniqueFd fd = make("f");
  const FileHandle handle = handle_of(fd);
  if (handle.empty()) GTEST_SKIP() << "no file handles on this file system";
  const UniqueFd mount(::open(scratch_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  fd.reset();
  ASSERT_EQ(::unlink(scratch_.at("f").c_str()), 0);
  std::atomic<bool> over{false};
  std::thread maker([&] {
    while (!over) {
      (void)make("g");
      ::unlink(scratch_.at("g").c_str());
    }
  });
  constexpr int kLooks = 20000;
  std::map<int, int> answers;
  for (int i = 0; i < kLooks; ++i) {
    const auto opened = handle.open(mount.get(), O_RDONLY);
    ++answers[opened ? 0 : opened.error().value()];
  }
  over = true;
  maker.join();
  EXPECT_EQ(answers, (std::map<int, int>{{ESTALE, kLooks}}));
}

}  // namespace
}  // namespace sluicefs
