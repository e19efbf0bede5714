#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <climits>
#include <csignal>

#include "differential_scene.h"

// Single requests: every kind of descriptor, and every field.

namespace sluice::testing {
namespace {

std::string sync(int fd, int op = O_SYNC) {
  aiocb block = block_of(fd);
  return answer_and_end(::aio_fsync(op, &block), block);
}

std::string read(int fd, off_t offset = 0) {
  char into[8];
  aiocb block = block_of(fd, into, sizeof into, offset);
  return answer_and_end(::aio_read(&block), block);
}

std::string write(int fd, off_t offset = 0) {
  char text[] = "abcdefgh";
  aiocb block = block_of(fd, text, 8, offset);
  return answer_and_end(::aio_write(&block), block);
}

/// Left open: the process ends soon.
int open_file(const char* path, int flags) {
  return ::open(path, flags | O_CLOEXEC);
}
int file(int flags) {
  static const TempFiles files;
  write_bytes(files.fd(), 4);
  return open_file(files.path().c_str(), flags);
}
int closed() {
  const int fd = file(O_RDWR);
  ::close(fd);
  return fd;
}
int full_pipe_end(int end) {
  int ends[2];
  static_cast<void>(::pipe2(ends, O_CLOEXEC));
  static_cast<void>(!::write(ends[1], "12345678", 8));
  return ends[end];
}
int socket_end() {
  int ends[2];
  static_cast<void>(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
  static_cast<void>(!::write(ends[1], "12345678", 8));
  return ends[0];
}

std::string write_with_priority(int reqprio) {
  char text[] = "x";
  aiocb block = block_of(file(O_RDWR), text, 1);
  block.aio_reqprio = reqprio;
  return answer_and_end(::aio_write(&block), block);
}

std::string sync_with_other_fields_odd() {
  aiocb block = block_of(file(O_RDWR), reinterpret_cast<void*>(1), SIZE_MAX, -1);
  block.aio_lio_opcode = 77;
  block.aio_reqprio = INT_MIN;
  return answer_and_end(::aio_fsync(O_SYNC, &block), block);
}

std::string write_from_nowhere() {
  aiocb block = block_of(file(O_RDWR), reinterpret_cast<void*>(16), 8);
  return answer_and_end(::aio_write(&block), block);
}

std::string append() {
  const int fd = file(O_WRONLY | O_APPEND);
  const std::string end = write(fd, 1000);
  return end + ", size " + std::to_string(::lseek(fd, 0, SEEK_END));
}

std::string write_without_a_free_descriptor() {
  const int fd = file(O_RDWR);
  static_cast<void>(read(fd));
  while (::fcntl(fd, F_DUPFD_CLOEXEC, 0) >= 0) {
  }
  return write(fd);
}

std::string write_beyond_the_size_limit() {
  ::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{.rlim_cur = 1024, .rlim_max = 1024};
  ::setrlimit(RLIMIT_FSIZE, &limit);
  return write(file(O_RDWR), 1024);
}

std::string return_again() {
  char text[] = "abc";
  aiocb block = block_of(file(O_RDWR), text, 3);
  const std::string first = answer_and_end(::aio_write(&block), block);
  return first + ", again " + std::to_string(::aio_return(&block));
}

std::string never_queued() {
  aiocb block{};
  return std::to_string(::aio_error(&block)) + " " + std::to_string(::aio_return(&block));
}

}  // namespace

std::vector<Situation> request_situations() {
  return {
      {"fsync", [] { return sync(file(O_RDWR)); }},
      {"fsync with O_DSYNC", [] { return sync(file(O_RDWR), O_DSYNC); }},
      {"fsync with another op", [] { return sync(file(O_RDWR), O_APPEND); }},
      {"fsync with op 0", [] { return sync(file(O_RDWR), 0); }},
      {"fsync of -1", [] { return sync(-1); }},
      {"fsync of a closed descriptor", [] { return sync(closed()); }},
      {"fsync of a write-only descriptor", [] { return sync(file(O_WRONLY)); }},
      {"fsync of a read-only descriptor", [] { return sync(file(O_RDONLY)); }},
      {"fsync of a directory", [] { return sync(open_file("/tmp", O_RDONLY | O_DIRECTORY)); }},
      {"fsync of a path", [] { return sync(file(O_PATH)); }},
      {"fsync of a pipe", [] { return sync(full_pipe_end(1)); }},
      {"fsync of a socket", [] { return sync(socket_end()); }},
      {"fsync of a terminal", [] { return sync(open_file("/dev/ptmx", O_RDWR | O_NOCTTY)); }},
      {"fsync of /dev/null", [] { return sync(open_file("/dev/null", O_RDWR)); }},
      {"fsync with odd other fields", sync_with_other_fields_odd},
      {"read", [] { return read(file(O_RDWR)); }},
      {"read at the end", [] { return read(file(O_RDWR), 4); }},
      {"read of -1", [] { return read(-1); }},
      {"read of a write-only descriptor", [] { return read(file(O_WRONLY)); }},
      {"read of a directory", [] { return read(open_file("/tmp", O_RDONLY | O_DIRECTORY)); }},
      {"read of a path", [] { return read(file(O_PATH)); }},
      {"read of a pipe", [] { return read(full_pipe_end(0)); }},
      {"read of a socket", [] { return read(socket_end()); }},
      {"read of /dev/zero", [] { return read(open_file("/dev/zero", O_RDWR)); }},
      {"read at a negative offset", [] { return read(file(O_RDWR), -1); }},
      {"write", [] { return write(file(O_RDWR)); }},
      {"write at 4 GiB", [] { return write(file(O_RDWR), off_t{1} << 32); }},
      {"write of a read-only descriptor", [] { return write(file(O_RDONLY)); }},
      {"write of a closed descriptor", [] { return write(closed()); }},
      {"write to a pipe", [] { return write(full_pipe_end(1)); }},
      {"write to /dev/null", [] { return write(open_file("/dev/null", O_RDWR)); }},
      {"write at a negative offset", [] { return write(file(O_RDWR), -1); }},
      {"write with O_APPEND", append},
      {"write from nowhere", write_from_nowhere},
      {"write beyond the size limit", write_beyond_the_size_limit},
      {"write with reqprio -1", [] { return write_with_priority(-1); }},
      {"write with reqprio 20", [] { return write_with_priority(20); }},
      {"write with reqprio 21", [] { return write_with_priority(21); }},
      {"write without a free descriptor", write_without_a_free_descriptor},
      {"aio_return twice", return_again},
      {"status of a block never queued", never_queued},
  };
}

}  // namespace sluice::testing
