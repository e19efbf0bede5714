#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <limits>
#include <string>

#include "parity_test.h"

// truncate(2), ftruncate(2), O_TRUNC, and how far files can grow.

namespace sluice::testing::parity {
namespace {

constexpr off_t kBlock = 4096;
constexpr off_t kMost = std::numeric_limits<off_t>::max();
/// Past what ext4 can hold.
constexpr off_t kSixteenTib = off_t{1} << 44;

PARITY_TEST(Truncate, ToEverySize) {
  at.make_file("f");
  const UniqueFd fd = OPEN(::open("f", O_RDWR));
  for (const off_t size : {off_t{0}, off_t{1}, kBlock - 1, kBlock, kBlock + 1, 3 * kBlock, off_t{-1}}) {
    at.require(
        ::truncate("f", 0) == 0 && ::pwrite(fd.get(), std::string(2 * kBlock, 'x').data(), 2 * kBlock, 0) > 0,
        "filling it");
    at.note("size", size);
    at.make_old("f");
    CALL(::truncate("f", size));
    at.show("f");
    at.content("f");
    CALL(::ftruncate(fd.get(), 2 * kBlock));
    at.content("f");
  }
  at.make_old("f");  // The mount's cache has answered reads, which changes no access time.
}

PARITY_TEST(Truncate, ToMoreThanAFileCanHold) {
  at.make_file("f", "x");
  at.spare_tree();
  for (const off_t size : {kSixteenTib - 2 * kBlock, kSixteenTib - kBlock, kSixteenTib - kBlock + 1,
                           kSixteenTib, kMost - kBlock, kMost - 1, kMost}) {
    at.note("size", size);
    CALL(::truncate("f", size));
    at.show("f");
  }
}

PARITY_TEST(Truncate, OfWhatIsNoRegularFile) {
  at.make_file("f", "x");
  at.make_directory("d");
  CALL(::mkfifo("p", 0644));
  CALL(::symlink("f", "link"));
  CALL(::symlink("nowhere", "dangling"));
  CALL(::symlink("loop", "loop"));
  for (const char* const name : {"d", "p", "link", "dangling", "loop", "none", "f/x", ""})
    CALL(::truncate(name, 0));
  at.show("f");
}

PARITY_TEST(Truncate, ByADescriptorThatCannotWrite) {
  at.make_file("f", "hello");
  for (const int flags : {O_RDONLY, O_PATH, O_WRONLY, O_WRONLY | O_APPEND, O_ACCMODE}) {
    const UniqueFd fd = OPEN(::open("f", flags));
    CALL(::ftruncate(fd.get(), 3));
  }
}

PARITY_TEST(Truncate, NeedsPermissionToWriteTheFile) {
  for (const mode_t mode : {0644U, 0444U, 0222U, 0U}) {
    const std::string name = "file " + std::to_string(mode);
    at.make_file(name, "hello", mode);
    CALL(::truncate(name.c_str(), 2));
    at.as_root([&] { at.make_file(name + " of root", "hello", mode); });
    CALL(::truncate((name + " of root").c_str(), 2));
    at.give(name + " of root", 0, kSharedGroup);
    CALL(::truncate((name + " of root").c_str(), 1));
  }
}

PARITY_TEST(Truncate, OfAFileThatWasRemoved) {
  at.make_file("f", "hello");
  const UniqueFd fd = OPEN(::open("f", O_RDWR));
  CALL(::unlink("f"));
  CALL(::ftruncate(fd.get(), 100));
  at.show(fd);
  CALL(::pwrite(fd.get(), "x", 1, 200));
  at.show(fd);
}

PARITY_TEST(OpenTruncating, InEveryAccessMode) {
  for (const int flags : {O_RDONLY, O_WRONLY, O_RDWR, O_ACCMODE, O_WRONLY | O_APPEND, O_RDWR | O_CREAT}) {
    const std::string name = "file " + std::to_string(flags);
    at.make_file(name, "hello");
    at.make_old(name);
    const UniqueFd fd = OPEN(::open(name.c_str(), flags | O_TRUNC, 0600));
    at.show(name);
    CALL(::write(fd.get(), "x", 1));
  }
}

PARITY_TEST(OpenTruncating, OfWhatIsEmptyOrNoFile) {
  at.make_file("empty");
  at.make_old("empty");
  at.make_directory("d");
  CALL(::symlink("empty", "link"));
  for (const char* const name : {"empty", "d", "link", "none"}) OPEN(::open(name, O_RDONLY | O_TRUNC));
  at.show("empty");
  OPEN(::open("d", O_WRONLY | O_TRUNC));
}

PARITY_TEST(OpenTruncating, NeedsPermissionToWriteTheFile) {
  at.as_root([&] { at.make_file("theirs", "hello", 0644); });
  OPEN(::open("theirs", O_RDONLY | O_TRUNC));
  at.make_file("readable", "hello", 0444);
  OPEN(::open("readable", O_RDONLY | O_TRUNC));
  at.make_file("running", "hello", 0755);
}

PARITY_TEST(Write, AtOffsetsThatAreFarOrImpossible) {
  at.spare_tree();
  for (const off_t offset :
       {off_t{1} << 30, kSixteenTib - 2 * kBlock, kSixteenTib - kBlock - 5, kSixteenTib - kBlock, kSixteenTib,
        kMost - kBlock, kMost - 5, kMost, off_t{-1}}) {
    at.note("offset", offset);
    const UniqueFd fd = OPEN(::open("f", O_RDWR | O_CREAT | O_TRUNC, 0644));
    CALL(::pwrite(fd.get(), "0123456789", 10, offset));
    at.show(fd);
    char bytes[10];
    CALL(::pread(fd.get(), bytes, sizeof bytes, offset));
  }
}

// RLIMIT_FSIZE is the kernel's work; what it does not catch the daemon would do without a limit.
PARITY_TEST(FileSizeLimit, StopsEveryWayToGrow) {
  constexpr rlim_t kLimit = 10'000;
  ::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{kLimit, kLimit};
  at.require(::setrlimit(RLIMIT_FSIZE, &limit) == 0, "setrlimit");
  const UniqueFd fd = OPEN(::open("f", O_RDWR | O_CREAT, 0644));
  const std::string bytes(9000, 'x');
  CALL(::pwrite(fd.get(), bytes.data(), bytes.size(), 500));
  CALL(::pwrite(fd.get(), bytes.data(), bytes.size(), 5000));
  CALL(::pwrite(fd.get(), bytes.data(), bytes.size(), kLimit));
  CALL(::pwrite(fd.get(), bytes.data(), 0, kLimit));
  CALL(::ftruncate(fd.get(), kLimit));
  CALL(::ftruncate(fd.get(), kLimit + 1));
  CALL(::truncate("f", kLimit + 1));
  CALL(::fallocate(fd.get(), 0, 0, 2 * kLimit));
  CALL(::fallocate(fd.get(), FALLOC_FL_KEEP_SIZE, 0, 2 * kLimit));
  CALL(::fallocate(fd.get(), FALLOC_FL_ZERO_RANGE, 0, 2 * kLimit));
  const UniqueFd from = OPEN(::open("from", O_RDWR | O_CREAT, 0644));
  CALL(::pwrite(from.get(), bytes.data(), bytes.size(), 0));
  off_t begin = 0;
  off_t to = 5000;
  CALL(::copy_file_range(from.get(), &begin, fd.get(), &to, 9000, 0));
  begin = 0;
  to = kLimit;
  CALL(::copy_file_range(from.get(), &begin, fd.get(), &to, 9000, 0));
  at.show("f");
}

}  // namespace
}  // namespace sluice::testing::parity
