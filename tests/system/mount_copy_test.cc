#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include <string>

#include "mount_files.h"
#include "mount_fixture.h"
#include "mount_mapping.h"

namespace sluice::testing {
namespace {

constexpr std::size_t kSize = 3 * 4096 + 5;

/// copy_file_range(2), and what there is to say about it.
class MountCopy : public MountTest {
 protected:
  void SetUp() override {
    MountTest::SetUp();
    if (IsSkipped()) return;
    for (std::size_t i = 0; i < kSize; ++i) data_ += static_cast<char>('a' + i % 26);
    make_file(at("from"), data_);
    make_file(at("to"), "");
    from_ = open_file(at("from"), O_RDWR);
    to_ = open_file(at("to"), O_RDWR);
  }
  void TearDown() override {
    from_.reset();
    to_.reset();
    MountTest::TearDown();
  }
  [[nodiscard]] ssize_t copy(off_t in, off_t out, std::size_t length) const {
    return ::copy_file_range(from_.get(), &in, to_.get(), &out, length, 0);
  }

  std::string data_;
  UniqueFd from_;
  UniqueFd to_;
};

TEST_F(MountCopy, TakesAWholeFile) {
  EXPECT_EQ(copy(0, 0, kSize), static_cast<ssize_t>(kSize));
  EXPECT_EQ(content(at("to")), data_);
  EXPECT_EQ(content(source("to")), data_);
}

TEST_F(MountCopy, EndsWithTheFileThatIsCopied) {
  EXPECT_EQ(copy(kSize - 5, 0, 1000), 5);
  EXPECT_EQ(copy(kSize, 0, 1000), 0);
  EXPECT_EQ(content(source("to")), data_.substr(kSize - 5));
}

TEST_F(MountCopy, WithoutOffsetsMovesThoseOfTheDescriptors) {
  EXPECT_EQ(::lseek(from_.get(), 10, SEEK_SET), 10);
  EXPECT_EQ(::copy_file_range(from_.get(), nullptr, to_.get(), nullptr, 7, 0), 7);
  EXPECT_EQ(::lseek(from_.get(), 0, SEEK_CUR), 17);
  EXPECT_EQ(::lseek(to_.get(), 0, SEEK_CUR), 7);
  EXPECT_EQ(content(source("to")), data_.substr(10, 7));
}

TEST_F(MountCopy, ReadsWhatAMappingHolds) {
  const Mapping mapping(from_.get(), kSize, MAP_SHARED);
  mapping.bytes()[0] = 'm';
  EXPECT_EQ(copy(0, 0, 10), 10);
  EXPECT_EQ(content(source("to")), "m" + data_.substr(1, 9));
}

TEST_F(MountCopy, ShowsInAMappingOfTheTarget) {
  make_file(at("to"), std::string(4096, '.'));
  const Mapping mapping(to_.get(), 4096, MAP_SHARED);
  mapping.bytes()[0] = 'm';
  mapping.bytes()[100] = 'm';
  EXPECT_EQ(copy(0, 0, 10), 10);
  EXPECT_EQ(std::string(mapping.bytes(), 11), data_.substr(0, 10) + ".");
  EXPECT_EQ(mapping.bytes()[100], 'm');
}

TEST_F(MountCopy, WithinAFileRefusesRangesThatOverlap) {
  off_t in = 0;
  off_t out = 5;
  EXPECT_EQ(error_of(::copy_file_range(from_.get(), &in, from_.get(), &out, 10, 0)), EINVAL);
  out = 4096;
  EXPECT_EQ(::copy_file_range(from_.get(), &in, from_.get(), &out, 10, 0), 10);
  EXPECT_EQ(content(source("from")).substr(4096, 10), data_.substr(0, 10));
}

TEST_F(MountCopy, NeedsDescriptorsThatMayReadAndWrite) {
  const UniqueFd read_only = open_file(at("to"), O_RDONLY);
  const UniqueFd write_only = open_file(at("from"), O_WRONLY);
  const UniqueFd appending = open_file(at("to"), O_WRONLY | O_APPEND);
  EXPECT_EQ(error_of(::copy_file_range(from_.get(), nullptr, read_only.get(), nullptr, 1, 0)), EBADF);
  EXPECT_EQ(error_of(::copy_file_range(write_only.get(), nullptr, to_.get(), nullptr, 1, 0)), EBADF);
  EXPECT_EQ(error_of(::copy_file_range(from_.get(), nullptr, appending.get(), nullptr, 1, 0)), EBADF);
}

TEST_F(MountCopy, BySendfileTakesAWholeFile) {
  off_t offset = 0;
  EXPECT_EQ(::sendfile(to_.get(), from_.get(), &offset, kSize), static_cast<ssize_t>(kSize));
  EXPECT_EQ(content(source("to")), data_);
}

TEST_F(MountCopy, BySharingExtentsIsRefused) {
  // ioctls do not pass; programs that try (cp --reflink=auto) copy the bytes instead.
  EXPECT_EQ(error_of(::ioctl(to_.get(), FICLONE, from_.get())), EOPNOTSUPP);
}

}  // namespace
}  // namespace sluice::testing
