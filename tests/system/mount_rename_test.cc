#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "mount_files.h"
#include "mount_fixture.h"

namespace sluice::testing {
namespace {

class MountRename : public MountTest {
 protected:
  int rename(std::string_view from, std::string_view to, unsigned flags = 0) const {
    return error_of(::renameat2(AT_FDCWD, at(from).c_str(), AT_FDCWD, at(to).c_str(), flags));
  }
};

TEST_F(MountRename, MovesAFileToAnotherDirectory) {
  make_file(at("f"), "x");
  ::mkdir(at("d").c_str(), 0755);
  EXPECT_EQ(rename("f", "d/g"), 0);
  EXPECT_EQ(content(at("d/g")), "x");
  EXPECT_EQ(content(source("d/g")), "x");
  EXPECT_FALSE(exists(at("f")));
  EXPECT_FALSE(exists(source("f")));
}

TEST_F(MountRename, ReplacesAnExistingFile) {
  make_file(at("f"), "new");
  make_file(at("g"), "old");
  EXPECT_EQ(rename("f", "g"), 0);
  EXPECT_EQ(content(at("g")), "new");
  EXPECT_EQ(names_in(source(".")), std::vector<std::string>{"g"});
}

TEST_F(MountRename, OfAReplacedFileTheOpenOneLivesOn) {
  make_file(at("f"), "new");
  make_file(at("g"), "old");
  const UniqueFd fd = open_file(at("g"), O_RDWR);
  EXPECT_EQ(rename("f", "g"), 0);
  char bytes[3];
  EXPECT_EQ(::pread(fd.get(), bytes, 3, 0), 3);
  EXPECT_EQ(std::string(bytes, 3), "old");
  struct stat status {};
  EXPECT_EQ(::fstat(fd.get(), &status), 0);
  EXPECT_EQ(status.st_nlink, 0U);
  EXPECT_EQ(::fsync(fd.get()), 0);
}

TEST_F(MountRename, NoreplaceSparesWhatExists) {
  make_file(at("f"), "f");
  make_file(at("g"), "g");
  EXPECT_EQ(rename("f", "g", RENAME_NOREPLACE), EEXIST);
  EXPECT_EQ(content(source("g")), "g");
  EXPECT_EQ(rename("f", "h", RENAME_NOREPLACE), 0);
  EXPECT_EQ(content(source("h")), "f");
}

TEST_F(MountRename, NoreplaceSparesWhatWasMadeBehindTheMount) {
  make_file(at("f"), "f");
  EXPECT_FALSE(exists(at("g")));
  make_file(source("g"), "g");
  EXPECT_EQ(rename("f", "g", RENAME_NOREPLACE), EEXIST);
  EXPECT_EQ(content(source("g")), "g");
}

TEST_F(MountRename, ExchangeSwapsAFileAndADirectory) {
  make_file(at("f"), "f");
  ::mkdir(at("d").c_str(), 0755);
  make_file(at("d/inside"), "x");
  EXPECT_EQ(rename("f", "d", RENAME_EXCHANGE), 0);
  EXPECT_EQ(content(at("d")), "f");
  EXPECT_EQ(content(at("f/inside")), "x");
  EXPECT_EQ(content(source("d")), "f");
  EXPECT_EQ(content(source("f/inside")), "x");
}

TEST_F(MountRename, ExchangeWithNothingFails) {
  make_file(at("f"), "f");
  EXPECT_EQ(rename("f", "g", RENAME_EXCHANGE), ENOENT);
}

TEST_F(MountRename, ToAnotherNameOfTheSameFileChangesNothing) {
  make_file(at("f"), "f");
  ASSERT_EQ(::link(at("f").c_str(), at("g").c_str()), 0);
  EXPECT_EQ(rename("f", "g"), 0);
  EXPECT_EQ(names_in(source(".")), (std::vector<std::string>{"f", "g"}));
  EXPECT_EQ(content(at("f")), "f");
}

TEST_F(MountRename, OfADirectoryTakesItsTreeAlong) {
  ::mkdir(at("d").c_str(), 0755);
  make_file(at("d/f"), "x");
  const UniqueFd fd = open_file(at("d/f"), O_RDWR);
  EXPECT_EQ(rename("d", "e"), 0);
  EXPECT_EQ(content(at("e/f")), "x");
  EXPECT_EQ(::pwrite(fd.get(), "y", 1, 0), 1);
  EXPECT_EQ(content(source("e/f")), "y");
}

TEST_F(MountRename, ErrorsAreThoseOfTheSource) {
  make_file(at("f"), "f");
  ::mkdir(at("d").c_str(), 0755);
  ::mkdir(at("full").c_str(), 0755);
  make_file(at("full/x"), "x");
  EXPECT_EQ(rename("missing", "g"), ENOENT);
  EXPECT_EQ(rename("f", "d"), EISDIR);
  EXPECT_EQ(rename("d", "f"), ENOTDIR);
  EXPECT_EQ(rename("d", "full"), ENOTEMPTY);
  EXPECT_EQ(rename("full", "full/inside"), EINVAL);
  EXPECT_EQ(rename("f", "missing/g"), ENOENT);
  EXPECT_EQ(error_of(::rename(at("f").c_str(), source("g").c_str())), EXDEV);
  EXPECT_EQ(names_in(source(".")), (std::vector<std::string>{"d", "f", "full"}));
}

}  // namespace
}  // namespace sluice::testing
