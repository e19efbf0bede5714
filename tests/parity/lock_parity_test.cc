#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "parity_test.h"

// flock(2), POSIX and open file description locks, leases.

namespace sluice::testing::parity {
namespace {

PARITY_TEST(Flock, IsSharedAndExclusive) {
  at.make_file("f");
  const UniqueFd one = OPEN(::open("f", O_RDWR));
  const UniqueFd two = OPEN(::open("f", O_RDONLY));
  const UniqueFd directory = OPEN(::open(".", O_RDONLY));
  for (const int operation : {LOCK_EX, LOCK_SH, LOCK_UN, LOCK_SH, LOCK_EX}) {
    CALL(::flock(one.get(), operation | LOCK_NB));
    for (const int other : {LOCK_EX, LOCK_SH, LOCK_UN}) CALL(::flock(two.get(), other | LOCK_NB));
  }
  CALL(::flock(directory.get(), LOCK_EX | LOCK_NB));
  CALL(::flock(one.get(), 64));
}

/// A range of a file and what to do to it.
void lock(Place& at, const UniqueFd& fd, int command, int type, off_t start, off_t length) {
  struct flock lock {};
  lock.l_type = static_cast<short>(type);
  lock.l_start = start;
  lock.l_len = length;
  CALL(::fcntl(fd.get(), command, &lock));
  at.note("lock", std::to_string(lock.l_type) + " " + std::to_string(lock.l_start) + " " +
                      std::to_string(lock.l_len));
}

PARITY_TEST(PosixLock, OfRanges) {
  at.make_file("f", "hello");
  const UniqueFd both = OPEN(::open("f", O_RDWR));
  const UniqueFd reader = OPEN(::open("f", O_RDONLY));
  const UniqueFd writer = OPEN(::open("f", O_WRONLY));
  for (const UniqueFd* const fd : {&both, &reader, &writer}) {
    for (const int type : {F_RDLCK, F_WRLCK, F_UNLCK, 7}) {
      lock(at, *fd, F_SETLK, type, 0, 10);
      lock(at, *fd, F_SETLK, type, 5, -3);
      lock(at, *fd, F_SETLK, type, -1, 5);
      lock(at, *fd, F_GETLK, F_WRLCK, 0, 0);
    }
  }
}

PARITY_TEST(PosixLock, KeepsAnotherProcessOutUntilADescriptorIsClosed) {
  at.make_file("f", "hello");
  const UniqueFd fd = OPEN(::open("f", O_RDWR));
  UniqueFd other = OPEN(::open("f", O_RDWR));
  lock(at, fd, F_SETLK, F_WRLCK, 0, 50);
  const auto from_another_process = [&] {
    const pid_t child = ::fork();
    if (child == 0) {
      struct flock wish {};
      wish.l_type = F_WRLCK;
      wish.l_len = 10;
      ::_exit(::fcntl(fd.get(), F_SETLK, &wish) == 0 ? 0 : errno);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    at.note("another process", status);
  };
  from_another_process();
  other.reset();
  from_another_process();
}

PARITY_TEST(OfdLock, BelongsToTheOpenFile) {
  at.make_file("f", "hello");
  const UniqueFd one = OPEN(::open("f", O_RDWR));
  const UniqueFd two = OPEN(::open("f", O_RDWR));
  lock(at, one, F_OFD_SETLK, F_WRLCK, 0, 10);
  lock(at, two, F_OFD_SETLK, F_WRLCK, 5, 10);
  lock(at, two, F_OFD_SETLK, F_RDLCK, 10, 10);
  lock(at, two, F_OFD_GETLK, F_WRLCK, 0, 50);
  lock(at, one, F_OFD_SETLK, F_UNLCK, 0, 0);
  lock(at, two, F_OFD_SETLK, F_WRLCK, 5, 10);
}

PARITY_TEST(Lease, IsTakenAndGivenBack) {
  ::signal(SIGIO, SIG_IGN);
  at.make_file("f");
  for (const int mode : {O_RDONLY, O_WRONLY, O_RDWR}) {
    const UniqueFd fd = OPEN(::open("f", mode));
    for (const int lease : {F_RDLCK, F_WRLCK, F_UNLCK}) {
      CALL(::fcntl(fd.get(), F_SETLEASE, lease));
      CALL(::fcntl(fd.get(), F_GETLEASE));
      OPEN(::open("f", O_RDWR | O_NONBLOCK));
    }
  }
  const UniqueFd directory = OPEN(::open(".", O_RDONLY));
  CALL(::fcntl(directory.get(), F_SETLEASE, F_RDLCK));
}

}  // namespace
}  // namespace sluice::testing::parity
