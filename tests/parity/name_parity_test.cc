#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>

#include <fmt/format.h>

#include "parity_test.h"

namespace sluice::testing::parity {
namespace {

/// Everything that takes a name.
void use_name(Place& at, const std::string& name) {
  const char* const path = name.c_str();
  at.make_file("there");
  OPEN(::open(path, O_RDONLY));
  OPEN(::open(path, O_RDWR | O_CREAT, 0644));
  at.show(name);
  at.names(".");
  CALL(::unlink(path));
  CALL(::mkdir(path, 0755));
  CALL(::rmdir(path));
  CALL(::symlink("t", path));
  CALL(::unlink(path));
  CALL(::mkfifo(path, 0600));
  CALL(::unlink(path));
  CALL(::link("there", path));
  CALL(::unlink(path));
  CALL(::rename("there", path));
  CALL(::rename(path, "there"));
  at.require(::unlink("there") == 0 || true, "unlink");
}

PARITY_TEST(Name, Of255Bytes) {
  use_name(at, std::string(255, 'n'));
}
PARITY_TEST(Name, Of256Bytes) {
  use_name(at, std::string(256, 'n'));
}
PARITY_TEST(Name, Of1024Bytes) {
  use_name(at, std::string(1024, 'n'));
}
PARITY_TEST(Name, Of255BytesThatAreNoText) {
  use_name(at, std::string(255, '\xff'));
}
PARITY_TEST(Name, ThatIsNoUtf8) {
  use_name(at, "\xc3\x28\xf0\x80\x80");
}
PARITY_TEST(Name, OfControlCharacters) {
  use_name(at, "\x01\n\t\x7f\r");
}
PARITY_TEST(Name, OfASpace) {
  use_name(at, " ");
}
PARITY_TEST(Name, OfThreeDots) {
  use_name(at, "...");
}
PARITY_TEST(Name, OfABackslash) {
  use_name(at, "\\");
}
PARITY_TEST(Name, ThatStartsWithADash) {
  use_name(at, "-rf");
}

PARITY_TEST(Name, CaseMatters) {
  at.make_file("f", "small");
  at.make_file("F", "large");
  at.content("f");
  at.content("F");
}

/// A relative path of exactly `size` bytes to the file "f" in the current directory.
std::string path_of(std::size_t size) {
  std::string path;
  while (path.size() + 2 < size - 1) path += "./";
  if (path.size() < size - 1) path += "/";
  return path + "f";
}

PARITY_TEST(Path, OfTheLongestLengthAndBeyond) {
  at.make_file("f", "text");
  for (const int size : {PATH_MAX - 2, PATH_MAX - 1, PATH_MAX, PATH_MAX + 1}) {
    const std::string path = path_of(static_cast<std::size_t>(size));
    at.note("length", path.size());
    const UniqueFd fd = at.open("open", [&] { return ::open(path.c_str(), O_RDWR | O_CREAT, 0644); });
    at.call("stat", [&] {
      struct stat status {};
      return ::stat(path.c_str(), &status);
    });
    at.call("rename", [&] { return ::rename(path.c_str(), "g"); });
    at.call("rename back", [&] { return ::rename("g", path.c_str()); });
  }
}

PARITY_TEST(Path, DeeperThanPathsAreLong) {
  const std::string name(255, 'd');
  const UniqueFd start(::open(".", O_RDONLY | O_DIRECTORY));
  int depth = 0;
  for (; depth < 40; ++depth) {
    at.require(::mkdir(name.c_str(), 0755) == 0 && ::chdir(name.c_str()) == 0, "a directory");
  }
  at.make_file("f", "deep");
  at.content("f");
  char path[PATH_MAX];
  at.note("getcwd", ::getcwd(path, sizeof path) == nullptr ? error_name(errno) : "a path");
  for (; depth > 0; --depth) {
    at.names("..");
    at.require(::chdir("..") == 0, "chdir");
  }
  struct stat top {};
  struct stat again {};
  at.require(::fstat(start.get(), &top) == 0 && ::stat(".", &again) == 0, "stat");
  at.note("back at the top", top.st_ino == again.st_ino);
  // The tree is deeper than the comparison of trees can name.
  at.spare_tree();
}

PARITY_TEST(Path, OfManySymlinks) {
  at.make_file("end", "text");
  std::string last = "end";
  for (int i = 0; i < 45; ++i) {
    const std::string name = fmt::format("link {}", i);
    at.require(::symlink(last.c_str(), name.c_str()) == 0, name);
    last = name;
    if (i > 35) OPEN(::open(name.c_str(), O_RDONLY));
  }
}

PARITY_TEST(Path, DotDotOfEveryDirectory) {
  at.make_directory("a");
  at.make_directory("a/b");
  at.make_file("f");
  at.show("a/..");
  at.show("a/b/..");
  at.show("a/b/../../f");
  at.show("f/..");
  at.show("absent/..");
  at.show("a/b/../../..");
}

PARITY_TEST(Path, DotDotIsFoundAgainAfterAMove) {
  at.make_directory("a");
  at.make_directory("b");
  at.make_directory("a/d");
  at.make_file("b/in b");
  at.require(::chdir("a/d") == 0, "chdir");
  CALL(::rename("../../a/d", "../../b/d"));
  at.names("..");
  OPEN(::open("../in b", O_RDONLY));
  at.require(::chdir("../..") == 0, "chdir");
}

}  // namespace
}  // namespace sluice::testing::parity
