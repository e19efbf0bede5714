#include <dirent.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <set>
#include <string>

#include "mount_files.h"
#include "mount_fixture.h"

// A source that has other file systems in it.

namespace sluice::testing {
namespace {

/// A file system in memory, mounted there; its inodes are numbered as those of every other.
class MemoryFileSystem {
 public:
  explicit MemoryFileSystem(std::string at) : at_(std::move(at)) {
    EXPECT_EQ(::mkdir(at_.c_str(), 0755), 0);
    EXPECT_EQ(::mount("tmpfs", at_.c_str(), "tmpfs", 0, "size=1m"), 0);
  }
  ~MemoryFileSystem() { ::umount2(at_.c_str(), MNT_DETACH); }
  MemoryFileSystem(const MemoryFileSystem&) = delete;
  MemoryFileSystem& operator=(const MemoryFileSystem&) = delete;

 private:
  std::string at_;
};

class MountNested : public MountTest {
 protected:
  void SetUp() override {
    MountTest::SetUp();
    if (IsSkipped()) return;
    a_ = std::make_unique<MemoryFileSystem>(source("a"));
    b_ = std::make_unique<MemoryFileSystem>(source("b"));
  }
  void TearDown() override {
    a_.reset();
    b_.reset();
    MountTest::TearDown();
  }

 private:
  std::unique_ptr<MemoryFileSystem> a_;
  std::unique_ptr<MemoryFileSystem> b_;
};

TEST_F(MountNested, FilesOfTwoFileSystemsAreNotOneFile) {
  make_file(at("a/f"), "in a");
  make_file(at("b/f"), "in b");
  ASSERT_EQ(status(source("a/f")).st_ino, status(source("b/f")).st_ino);
  std::set<ino_t> numbers;
  for (const char* const name : {".", "a", "b", "a/f", "b/f"}) numbers.insert(status(at(name)).st_ino);
  EXPECT_EQ(numbers.size(), 5U);
  EXPECT_EQ(status(at(".")).st_ino, status(source(".")).st_ino);
}

TEST_F(MountNested, AListingSaysTheNumberThatStatSays) {
  make_file(at("a/f"), "in a");
  for (int pass = 0; pass < 2; ++pass) {  // READDIRPLUS at first.
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(at("a").c_str()), ::closedir);
    ASSERT_NE(directory, nullptr);
    while (const dirent* const entry = ::readdir(directory.get())) {
      if (entry->d_name[0] == '.') continue;
      EXPECT_EQ(entry->d_ino, status(at("a/f")).st_ino);
    }
  }
}

}  // namespace
}  // namespace sluice::testing
