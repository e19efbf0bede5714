#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "parity_test.h"

// mmap(2) and what belongs to it.

namespace sluice::testing::parity {
namespace {

constexpr off_t kBlock = 4096;

/// The beginning of `fd`, mapped until the test's process ends; null, and noted, when it is refused.
char* map(Place& at, const UniqueFd& fd, std::size_t size, int protection, int flags, off_t offset = 0) {
  errno = 0;
  void* const address = ::mmap(nullptr, size, protection, flags, fd.get(), offset);
  at.note("mmap", address == MAP_FAILED ? error_name(errno) : "done");
  return address == MAP_FAILED ? nullptr : static_cast<char*>(address);
}
constexpr int kReadWrite = PROT_READ | PROT_WRITE;

UniqueFd new_file(Place& at, std::size_t size) {
  at.make_file("f", std::string(size, 'x'));
  return OPEN(::open("f", O_RDWR));
}

PARITY_TEST(Mapping, ByDescriptorsOfEveryMode) {
  new_file(at, 2 * kBlock);
  for (const int mode : {O_RDONLY, O_WRONLY, O_RDWR, O_RDWR | O_APPEND, O_RDWR | O_DIRECT, O_PATH}) {
    const UniqueFd fd = OPEN(::open("f", mode));
    for (const int flags : {MAP_SHARED, MAP_PRIVATE, MAP_SHARED_VALIDATE, MAP_PRIVATE | MAP_POPULATE, 0}) {
      for (const int protection : {PROT_NONE, PROT_READ, PROT_WRITE, kReadWrite, PROT_READ | PROT_EXEC}) {
        at.note("flags and protection", flags * 16 + protection);
        map(at, fd, kBlock, protection, flags);
      }
    }
  }
}

PARITY_TEST(Mapping, AtOddPlaces) {
  const UniqueFd fd = new_file(at, 100);
  map(at, fd, 100, PROT_READ, MAP_SHARED, 1);
  map(at, fd, 0, PROT_READ, MAP_SHARED);
  map(at, fd, 100, PROT_READ, MAP_SHARED, kBlock * 1000);
  at.make_directory("d");
  map(at, OPEN(::open("d", O_RDONLY)), 100, PROT_READ, MAP_SHARED);
}

PARITY_TEST(Mapping, InPersistentMemoryIsRefused) {
  const UniqueFd fd = new_file(at, kBlock);
  map(at, fd, kBlock, kReadWrite, MAP_SHARED_VALIDATE | MAP_SYNC);
}

PARITY_TEST(Mapping, SharedIsOneWithReadsAndWrites) {
  const UniqueFd fd = new_file(at, 2 * kBlock);
  char* const bytes = map(at, fd, 2 * kBlock, kReadWrite, MAP_SHARED);
  bytes[0] = 'm';
  bytes[kBlock] = 'n';
  char seen[4];
  CALL(::pread(fd.get(), seen, 2, 0));
  at.note("read", std::string_view(seen, 2));
  CALL(::pwrite(fd.get(), "ww", 2, kBlock + 1));
  at.note("mapped", std::string_view(bytes + kBlock, 4));
  at.content("f");
  CALL(::pwrite(fd.get(), "0", 1, kBlock));
  CALL(::msync(bytes, 2 * kBlock, MS_SYNC));
  at.content("f");
}

PARITY_TEST(Mapping, PrivateKeepsItsChangesToItself) {
  const UniqueFd fd = new_file(at, 2 * kBlock);
  char* const own = map(at, fd, 2 * kBlock, kReadWrite, MAP_PRIVATE);
  own[0] = 'p';
  CALL(::pwrite(fd.get(), "ww", 2, 1));
  CALL(::pwrite(fd.get(), "ww", 2, kBlock));
  at.note("mapped", std::string_view(own, 4));
  at.note("mapped", std::string_view(own + kBlock, 4));
  at.content("f");
}

PARITY_TEST(Mapping, OutlivesItsDescriptorAndItsName) {
  UniqueFd fd = new_file(at, kBlock);
  const UniqueFd other = OPEN(::open("f", O_RDONLY));
  char* const bytes = map(at, fd, kBlock, kReadWrite, MAP_SHARED);
  fd.reset();
  bytes[1] = 'c';
  at.content("f");
  CALL(::unlink("f"));
  bytes[2] = 'u';
  CALL(::msync(bytes, kBlock, MS_SYNC));
  char seen[4];
  CALL(::pread(other.get(), seen, 4, 0));
  at.note("read", std::string_view(seen, 4));
}

/// What becomes of a process that touches a byte: 0, or the signal that it gets.
int touch(volatile char* byte, bool write) {
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    if (write) {
      *byte = 'q';
    } else {
      static_cast<void>(*byte);
    }
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

PARITY_TEST(Mapping, PastTheEndIsASignal) {
  const UniqueFd fd = new_file(at, kBlock + 10);
  char* const bytes = map(at, fd, 8 * kBlock, kReadWrite, MAP_SHARED);
  const auto touch_all = [&] {
    for (const off_t offset : {off_t{0}, kBlock + 9, kBlock + 10, 2 * kBlock - 1, 2 * kBlock, 5 * kBlock}) {
      at.note("byte", offset);
      at.note("read", touch(bytes + offset, false));
      at.note("written", touch(bytes + offset, true));
    }
  };
  touch_all();
  CALL(::ftruncate(fd.get(), 3 * kBlock));
  at.note("then", "grown");
  for (const off_t offset : {2 * kBlock, 3 * kBlock}) at.note("read", touch(bytes + offset, false));
  CALL(::ftruncate(fd.get(), 0));
  touch_all();
  at.show("f");
}

PARITY_TEST(Mapping, IsSyncedAndAdvisedInEveryWay) {
  const UniqueFd fd = new_file(at, 4 * kBlock);
  char* const bytes = map(at, fd, 4 * kBlock, kReadWrite, MAP_SHARED);
  for (const int flags : {MS_SYNC, MS_ASYNC, MS_INVALIDATE, 0, MS_SYNC | MS_ASYNC, 8}) {
    bytes[0] = static_cast<char>('a' + flags);
    CALL(::msync(bytes, 4 * kBlock, flags));
  }
  CALL(::msync(bytes + 1, kBlock, MS_SYNC));
  for (int advice = 0; advice <= 25; ++advice) {
    at.note("advice", advice);
    CALL(::madvise(bytes + kBlock, kBlock, advice));
  }
  at.content("f");
}

PARITY_TEST(Mapping, IsCutAndFilledByWhatIsDoneToTheFile) {
  const UniqueFd fd = new_file(at, 4 * kBlock);
  char* const bytes = map(at, fd, 4 * kBlock, kReadWrite, MAP_SHARED);
  bytes[0] = 'm';
  bytes[kBlock] = 'm';
  CALL(::fallocate(fd.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, kBlock));
  CALL(::fallocate(fd.get(), FALLOC_FL_ZERO_RANGE, kBlock, 100));
  CALL(::ftruncate(fd.get(), 2 * kBlock + 10));
  CALL(::ftruncate(fd.get(), 4 * kBlock));
  at.note("mapped", std::string_view(bytes, 4 * kBlock));
  at.content("f");
}

}  // namespace
}  // namespace sluice::testing::parity
